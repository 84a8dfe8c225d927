"""``python -m dualcl_tutorial``: the command line, where ``dualcl`` is not on the path."""

from dualcl_tutorial.cli import main

main()
