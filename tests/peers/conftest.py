"""Comparisons with other libraries run where these are installed, and are not collected elsewhere."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("keras") else ["test_keras.py"]
