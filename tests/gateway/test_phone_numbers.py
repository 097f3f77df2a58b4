"""How people write a number does not matter, and nothing that is no number passes."""

import re

from hypothesis import given, strategies as st
import pytest
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.phone_numbers import parse_phone_number, parse_recipient

NUMBERS = ["+15551230001", "+491701234567", "+390612345678", "+5511987654321", "+447911123456", "+33612345678"]
E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def read(text: str) -> tuple[str, ErrorCode | None]:
    try:
        return parse_phone_number(text), None
    except BridgeError as error:
        return "", error.code


@given(
    st.sampled_from(NUMBERS), st.lists(st.sampled_from(" -.()/\u00a0\u2011"), max_size=12), st.booleans(), st.randoms()
)
def test_separators_and_a_leading_00_are_forgiven(
    number: str, separators: list[str], zeros: bool, chance: object
) -> None:
    letters = list("00" + number[1:] if zeros else number)
    for separator in separators:
        letters.insert(1 + len(separators) % len(letters), separator)
    assert parse_phone_number("".join(letters)) == number


@given(st.text())
def test_any_text_gives_e164_or_the_error(text: str) -> None:
    number, code = read(text)
    assert E164.fullmatch(number) if code is None else code is ErrorCode.INVALID_PHONE_NUMBER


@given(st.from_regex(re.compile(r"\+[0-9]{6,18}", re.ASCII), fullmatch=True))
def test_what_is_accepted_stays_as_it_is_when_read_again(text: str) -> None:
    number, code = read(text)
    assert code is not None or (E164.fullmatch(number) and parse_phone_number(number) == number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "+0",
        "0170 1234567",
        "15551230001",
        "+49 CALL ME",
        "+49170123456789012",
        "+4917012345678901",
        "+1555",
        "٠٠٤٩١٧٠١٢٣٤٥٦٧",
        "+٤٩١٧٠١٢٣٤٥٦٧",
        "+999123456789",
        "+31000000001",
        "15551230001@s.whatsapp.net",
        "+15551230001\x00",
        "+1555123000a",
        "++15551230001",
        "+15551230001;ext=5",
    ],
)
def test_what_is_no_international_number_is_refused(text: str) -> None:
    with pytest.raises(BridgeError):
        parse_phone_number(text)


def test_the_national_zero_in_brackets_is_left_out() -> None:
    assert parse_phone_number("+49 (0)170 1234567") == "+491701234567"


@pytest.mark.parametrize(
    "chat",
    ["group:120363001234567890", "group:491701234567-1500000000", "lid:170000000000001", "channel:120363", "status"],
)
def test_a_chat_id_is_taken_as_it_is(chat: str) -> None:
    assert parse_recipient(chat) == chat


@pytest.mark.parametrize(
    "text", ["group:", "group:a", "lid:+1", "channel:1 ", "Status", "group:1\n", "status:1", "120363@g.us"]
)
def test_what_only_looks_like_a_chat_id_is_refused(text: str) -> None:
    with pytest.raises(BridgeError):
        parse_recipient(text)
