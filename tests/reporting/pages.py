"""Reading a report as a browser would."""

from html.parser import HTMLParser

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """The tags, texts and attributes of a page; raises where tags do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words, self.attributes, self.styles = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"{tag} closes what is not open"

    def handle_data(self, data):
        (self.styles if self.open and self.open[-1] == "style" else self.words).append(data)

    @property
    def text(self):
        """What is to be read, with single blanks."""
        return " ".join(" ".join(self.words).split())

    def labels(self):
        """What the pictures say to those who do not see them."""
        return [
            value for tag, name, value in self.attributes if (tag, name) == ("svg", "aria-label")
        ]

    def check(self):
        """It is whole by itself: nothing is fetched, nothing runs."""
        assert "script" not in self.tags
        assert not {"img", "link", "iframe", "object", "image", "use"} & set(self.tags)
        for tag, name, value in self.attributes:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "srcset", "xlink:href"), (tag, name)
            assert name != "href" or value.startswith("#"), value
        targets = {value for _, name, value in self.attributes if name == "id"}
        links = {value[1:] for _, name, value in self.attributes if name == "href"}
        assert links <= targets, links - targets
        styles = "".join(self.styles)
        assert "url(" not in styles and "@import" not in styles
        titled = {"aria-labelledby"}
        assert {value for _, name, value in self.attributes if name in titled} <= targets
