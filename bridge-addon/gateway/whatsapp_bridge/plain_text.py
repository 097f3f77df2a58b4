"""HTML made into its words, for senders that cannot do otherwise (the setting `strip_html`)."""

from html.parser import HTMLParser
from typing import override

_UNSEEN = frozenset({"script", "style", "head", "title"})
_BREAKS = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"})


def without_html(text: str) -> str:
    """Returns the words of a text with its tags and entities resolved. What is no tag stays as it is."""
    words = _Words()
    words.feed(text)
    words.close()
    return "".join(words.parts).strip("\n")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BREAKS and self.parts and not self.parts[-1].endswith("\n"):
            self.parts.append("\n")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))

    @override
    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)
