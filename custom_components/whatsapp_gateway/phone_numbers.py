"""Reads phone numbers as people write them, in their country's own way too, into E.164."""

import re
from typing import Final

from homeassistant.helpers import config_validation as cv
import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

_FILLERS: Final = re.compile(r"[\s().\-/\u2010-\u2015]+")
_E164: Final = re.compile(r"\+[1-9][0-9]{5,14}", re.ASCII)


def written(value: object) -> str:
    """Checks a phone number, chat id or name as an action, trigger or condition gets it.

    A template that renders `+491701234567`, and YAML without quotes, make it a number: it was international then, since a
    national one would have lost its zero.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return f"+{value}"
    return cv.string(value)


def international(text: str, country: str | None) -> str | None:
    """Returns a phone number in E.164, None if it is none or could be two: guessing would write to a stranger.

    `country` (ISO 3166, `DE`) is whose national writing is understood (`0170 1234567`), and whose way to dial abroad (`011 49 …`).
    """
    # the trunk prefix of an international number stands in brackets: +49 (0) 170 ...
    digits = _FILLERS.sub("", text.replace("(0)", ""))
    if not re.fullmatch(r"\+?[0-9]+", digits, re.ASCII):
        return None
    if digits.startswith("00"):  # understood everywhere, also where another prefix is dialled
        digits = f"+{digits.removeprefix('00')}"
    region = country.upper() if country else None
    found = _e164(digits, region)
    if found is not None and region and digits.startswith(str(phonenumbers.country_code_for_region(region))):
        abroad = _e164(f"+{digits}", None)
        if abroad not in {None, found} and phonenumbers.is_valid_number(phonenumbers.parse(abroad)):
            return None
    return found


def _e164(digits: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(digits, country)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    possible = phonenumbers.is_possible_number_with_reason(number) is ValidationResult.IS_POSSIBLE
    return e164 if possible and _E164.fullmatch(e164) else None
