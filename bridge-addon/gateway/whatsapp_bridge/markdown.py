"""Markdown made into what WhatsApp writes: `*bold*`, `_italic_`, `~struck~`, code, quotes and lists."""

from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKS = {"strong_open": "*", "strong_close": "*", "em_open": "_", "em_close": "_", "s_open": "~", "s_close": "~"}


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("strikethrough")


def to_whatsapp(markdown: str) -> str:
    """Converts a text. What WhatsApp cannot show (headings, links, rules) becomes the nearest that it can."""
    blocks = _Blocks()
    for token in _parser().parse(markdown):
        blocks.take(token)
    return "\n".join(blocks.lines).strip("\n")


class _Blocks:
    """The lines so far, and in which quotes and lists we are."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._quotes = 0
        self._lists: list[int | None] = []
        self._item = ""
        self._heading = False

    def take(self, token: Token) -> None:
        match token.type:
            case "heading_open" | "heading_close":
                self._heading = token.type == "heading_open"
            case "blockquote_open" | "blockquote_close":
                self._quotes += token.nesting
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._begin_item()
            case "inline":
                self._paragraph(_inline(token.children or []))
            case "fence" | "code_block":
                self._paragraph(f"```{token.content.rstrip()}```")
            case "hr":
                self._paragraph("———")

    def _begin_item(self) -> None:
        number = self._lists[-1]
        self._item = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1

    def _paragraph(self, text: str) -> None:
        if self._heading and text.strip():
            text = f"*{text.replace('*', '').strip()}*"
        separate = self.lines and not self._lists and not self._quotes
        if separate:
            self.lines.append("")
        indent = "  " * max(0, len(self._lists) - 1)
        prefix = "> " if self._quotes else ""
        for line in text.split("\n"):
            self.lines.append(f"{prefix}{indent}{self._item}{line}")
            self._item = "  " * bool(self._item.strip())
        self._item = ""


def _inline(tokens: Sequence[Token]) -> str:
    """Spells the words of a paragraph. A link is its text and its address, unless they are the same."""
    words: list[str] = []
    links: list[tuple[str, int]] = []
    for token in tokens:
        match token.type:
            case "text":
                words.append(token.content)
            case "code_inline":
                words.append(f"`{token.content}`")
            case "softbreak" | "hardbreak":
                words.append("\n")
            case "image":
                words.append(
                    f"{token.content} ({token.attrs.get('src', '')})"
                    if token.content
                    else str(token.attrs.get("src", ""))
                )
            case "link_open":
                links.append((str(token.attrs.get("href", "")), len(words)))
            case "link_close":
                address, start = links.pop()
                if "".join(words[start:]) != address:
                    words.append(f" ({address})")
            case kind if kind in _MARKS:
                words.append(_MARKS[kind])
    return "".join(words)
