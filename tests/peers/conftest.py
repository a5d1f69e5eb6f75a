"""Comparisons with other libraries run where these are installed; elsewhere none is collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("keras") else ["test_keras*.py"]
