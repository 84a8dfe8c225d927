"""Dual Contrastive Learning for text classification, as a course and as a small library.

Each module keeps what one lesson of the course derives; its docstrings name the lesson. Nothing
heavy is imported here: write ``from dualcl_tutorial.losses import dualcl_loss`` and pay for what
you use.
"""

__version__ = "0.1.0"
