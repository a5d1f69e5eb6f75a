"""How the documentation is built: `sphinx-build -W -b html docs docs/_build`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import chainrule

HERE = Path(__file__).parent
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")  # read by the cells' processes
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

project = "chainrule"
author = "the chainrule developers"
project_copyright = author
version = release = chainrule.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "extensions.mathml", "extensions.rooms"]
exclude_patterns = ["_build", "jupyter_execute"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_render_image_options = {"alt": "picture made by the code above"}

smartquotes = False
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "mixed"

html_theme = "furo"
html_title = f"chainrule {version}"
html_static_path = ["static"]
html_css_files = ["pages.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1a5fb4", "color-brand-content": "#1a5fb4"},
    "dark_css_variables": {"color-brand-primary": "#8ab4f8", "color-brand-content": "#8ab4f8"},
}
