"""What needs a TeX engine or a browser is collected only where there is one."""

import shutil

from tests.tracing.browser import BROWSER

ENGINES = ("pdflatex", "lualatex", "xelatex", "tectonic")

collect_ignore = []
if not any(map(shutil.which, ENGINES)):
    collect_ignore.append("test_latex_compiled.py")
if not BROWSER:
    collect_ignore += ["test_page_browser.py", "test_page_layout_browser.py",
                       "test_page_steps_browser.py"]  # fmt: skip
