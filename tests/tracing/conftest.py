"""Which tests of pages there are."""

from tests.tracing.browser import BROWSER

# what a reader does in a page needs a browser; where there is none, these tests are not there
collect_ignore = [] if BROWSER else ["test_page_browser.py"]
