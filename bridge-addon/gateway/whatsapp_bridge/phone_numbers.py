"""Recipients as people write them, made into chat ids."""

import re

import phonenumbers

from whatsapp_bridge.errors import BridgeError, ErrorCode

_SEPARATORS = re.compile(r"[\s\-\u2010-\u2013./()\[\]]")
_INTERNATIONAL = re.compile(r"(?:\+|00)([1-9][0-9]{5,19})", re.ASCII)
_NATIONAL = re.compile(r"(?!00)[0-9]{4,15}", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_CHAT_ID = re.compile(r"status|lid:[0-9]{1,32}|group:[0-9-]{1,64}|channel:[0-9]{1,32}", re.ASCII)
_LONGEST_INPUT = 64


def parse_phone_number(text: str, country: str | None = None) -> str:
    """Reads a phone number and returns it as E.164 with `+`.

    Spaces, dashes, dots, slashes, brackets and a leading `00` are forgiven. A number without a country code is one of `country`
    (two letters); without that it is refused: guessing would send to a stranger.

    Raises:
        BridgeError: `invalid_phone_number`.
    """
    if len(text) <= _LONGEST_INPUT and (digits := _INTERNATIONAL.fullmatch(_SEPARATORS.sub("", text))):
        number = _e164(f"+{digits[1]}")
        # Several national prefixes in a row are taken off one by one: a number that is not done yet is no number.
        if number is not None and _e164(number) == number:
            return number
    if country is not None and len(text) <= _LONGEST_INPUT and _NATIONAL.fullmatch(_SEPARATORS.sub("", text)):
        number = _e164(_SEPARATORS.sub("", text), country)
        if number is not None:
            return number
    raise BridgeError(
        ErrorCode.INVALID_PHONE_NUMBER,
        "This is not a phone number in international form (+, country code, number).",
    )


def _e164(text: str, country: str | None = None) -> str | None:
    """Returns a number without the national prefix that people write in brackets; None where no country has such numbers."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    # What is possible within a country may be longer than E.164 allows, or a short code.
    result = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return result if phonenumbers.is_possible_number(number) and _E164.fullmatch(result) else None


def parse_recipient(text: str, country: str | None = None) -> str:
    """Returns the chat id that a phone number or a chat id means.

    Raises:
        BridgeError: `invalid_phone_number`: it is neither.
    """
    if _CHAT_ID.fullmatch(text):
        return text
    return parse_phone_number(text, country)
