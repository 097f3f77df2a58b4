"""Reads phone numbers as people write them, in their country's own way too, into E.164."""

import re
from typing import Final

from .calling_codes import NUMBERING, Numbering

_FILLERS: Final = re.compile(r"[\s().\-/\u2010-\u2015]+")
_EXIT_CODES: Final = {"1": "011", "7": "810", "61": "0011", "81": "010"}
"""What is dialled before an international number, by calling code; 00 in all other countries, and understood everywhere."""
_FEWEST_DIGITS: Final = 6
_MOST_DIGITS: Final = 15
_LONGER_LANDLINE: Final = 2
"""Digits by which a landline number may be longer than a mobile one."""


def international(written: str, country: str | None) -> str | None:
    """Returns a phone number in E.164, None if it is none or could be several.

    `country` (ISO 3166, `DE`) is whose national writing is understood: with its trunk prefix (`0170 1234567`), or without where
    the length is that of a mobile number there (`612 345 678`).
    """
    numbering = NUMBERING.get(country.upper()) if country else None
    # the trunk prefix of an international number stands in brackets: +49 (0) 170 ...
    digits = _FILLERS.sub("", re.sub(r"\(0\)", "", written.strip()))
    plus, digits = digits.startswith("+"), digits.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return None
    if plus:
        return _e164(digits)
    for exit_code in ("00", _EXIT_CODES.get(numbering.calling_code, "00") if numbering else "00"):
        if digits.startswith(exit_code):
            return _e164(digits.removeprefix(exit_code))
    return None if numbering is None else _national(digits, numbering)


def _national(digits: str, numbering: Numbering) -> str | None:
    code, trunk = numbering.calling_code, numbering.trunk
    if trunk and digits.startswith(trunk):
        rest = digits.removeprefix(trunk)
        # landlines too, where no number begins with the prefix; else the length must tell
        if trunk == "0" or numbering.is_mobile(rest):
            return _e164(code + rest)
    if digits.startswith(code) and numbering.is_mobile(digits.removeprefix(code)):
        return _e164(digits)
    longest = numbering.longest_mobile + (0 if trunk else _LONGER_LANDLINE)
    fits = len(digits) <= longest and (not trunk or numbering.is_mobile(digits))
    return _e164(code + digits) if fits else None


def _e164(digits: str) -> str | None:
    fits = _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS and not digits.startswith("0")
    return f"+{digits}" if fits else None
