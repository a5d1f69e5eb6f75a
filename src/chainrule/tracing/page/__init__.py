"""A trace as one HTML page, with the tape that trained in it: change a number and all follows."""

from chainrule.tracing.page.page import frame_of, page_of

__all__ = ["frame_of", "page_of"]
