"""The command line: `chainrule train`, `chainrule predict`, `chainrule evaluate`."""

from __future__ import annotations

from chainrule.cli.main import main

__all__ = ["main"]
