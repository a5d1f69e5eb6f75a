"""How the documentation is built: `sphinx-build -W -b html docs docs/_build`."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import chainrule

HERE = Path(__file__).parent
# Cells run in processes of their own, which read these and nobody's own settings: pictures are
# sharp at any size, and what a cell prints comes in one piece.
kernels = Path(tempfile.mkdtemp())
(kernels / "profile_default").mkdir()
(kernels / "profile_default" / "ipython_kernel_config.py").write_text("""
c.InlineBackend.figure_formats = {"svg"}
c.IPKernelApp.exec_lines = ["import sys; sys.stdout.flush_interval = 3600"]
c.IPKernelApp.log_level = "ERROR"
""")
os.environ["IPYTHONDIR"] = str(kernels)
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")

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
