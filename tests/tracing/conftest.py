"""What needs a TeX engine is collected only where one is found: its absence says nothing of us."""

import shutil

ENGINES = ("pdflatex", "lualatex", "xelatex", "tectonic")

collect_ignore = [] if any(map(shutil.which, ENGINES)) else ["test_latex_compiled.py"]
