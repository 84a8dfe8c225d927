"""Settings of the web site; `make site` builds it into build/site/html.

`course/builder/site.py` makes the pages from the repository's notebooks and Markdown files.
Notebooks are shown with the outputs they were committed with: nothing is executed here.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course.builder import metadata
from course.builder import site as builder

COURSE = metadata.load(ROOT)

project = "Dual Contrastive Learning, step by step"
author = "The dualcl-tutorial contributors"
project_copyright = author
version = release = COURSE.tag.removeprefix("v")
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["jupyter_execute", "**.ipynb_checkpoints"]
suppress_warnings = ["myst.header"]  # exercises begin at the third level, below their title

nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "dollarmath", "deflist"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # the signature has them
autodoc_type_aliases = {"Tensor": "Tensor"}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Shape", "params_style")]
default_role = "literal"
add_module_names = False

html_theme = "sphinx_book_theme"
html_title = "DualCL, step by step"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_js_files = ["names.js"]
html_context = {"default_mode": "auto"}
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "repository_url": f"https://github.com/{COURSE.slug}",
    "repository_branch": COURSE.tag,
    "path_to_docs": "",
    "use_repository_button": True,
    "navbar_persistent": [],  # the search button stands beside the contents already
    "use_download_button": False,
    "launch_buttons": {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    },
    "show_toc_level": 2,
}


def name_the_lesson(app, what, name, obj, options, lines):
    """Link the lessons a docstring names, and name the deriving one where it names none."""
    text = re.sub(r"\|(\w+)\|", r"\\|\1\\|", "\n".join(lines))  # |P_i| is a size, no substitution
    linked = builder.linked_lessons(text, COURSE)
    stem = builder.derived_in(COURSE, name.removeprefix(f"{builder.PACKAGE}."))
    if stem and what in ("class", "function", "exception") and linked == text:
        linked += f"\n\nDerived in lesson :doc:`{stem[:2]} </notebooks/{stem}>`.\n"
    lines[:] = linked.split("\n")


def setup(app):
    """Hook into the docstrings."""
    app.connect("autodoc-process-docstring", name_the_lesson)
