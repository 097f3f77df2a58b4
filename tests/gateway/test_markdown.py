"""Markdown and HTML made into what WhatsApp shows; nothing that was written gets lost."""

from hypothesis import given, strategies as st
import pytest
from whatsapp_bridge.markdown import to_whatsapp
from whatsapp_bridge.plain_text import without_html


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("plain", "plain"),
        ("**bold** _italic_ ~~gone~~ `code`", "*bold* _italic_ ~gone~ `code`"),
        ("***both***", "_*both*_"),
        ("# Title\ntext", "*Title*\n\ntext"),
        ("## A **bold** title", "*A bold title*"),
        ("- one\n- two\n  - deeper", "- one\n- two\n  - deeper"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("> said\n> twice", "> said\n> twice"),
        ("[Home](https://example.org)", "Home (https://example.org)"),
        ("<https://example.org>", "https://example.org"),
        ("```\na = 1\nb = 2\n```", "```a = 1\nb = 2```"),
        ("one\ntwo\n\nthree", "one\ntwo\n\nthree"),
        ("a * b * c and snake_case_name", "a * b * c and snake_case_name"),
        ("<b>html</b> stays", "<b>html</b> stays"),
    ],
)
def test_markdown(markdown: str, expected: str) -> None:
    assert to_whatsapp(markdown) == expected


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1, max_size=30))
def test_no_word_gets_lost(words: list[str]) -> None:
    converted = to_whatsapp(" ".join(words))
    assert all(word in converted for word in words)


@given(st.text())
def test_any_text_can_be_converted(text: str) -> None:
    to_whatsapp(text)
    without_html(text)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<b>hello</b> &amp; <i>bye</i>", "hello & bye"),
        ("one<br>two<p>three</p>", "one\ntwo\nthree"),
        ("<script>alert(1)</script>seen", "seen"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
    ],
)
def test_html(html: str, expected: str) -> None:
    assert without_html(html) == expected
