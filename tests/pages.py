"""Pieces of HTML as a reader has them: cells of tables, and elements that must be closed."""

from html.parser import HTMLParser

VOID = {"br", "img", "hr", "meta", "link"}


class Page(HTMLParser):
    """Elements that were opened and not closed, the cells of each row, and every attribute."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.found, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    def attributes(self, tag):
        return [attributes for name, attributes in self.found if name == tag]
