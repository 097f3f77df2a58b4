"""Phone numbers as people write them at home."""

import pytest

from custom_components.whatsapp_gateway.phone_numbers import international, written


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+49 170 1234567", None, "+491701234567"),
        ("+49 (0)170 / 123-45-67", "US", "+491701234567"),
        ("0049 170 1234567", "DE", "+491701234567"),
        ("0170 1234567", "DE", "+491701234567"),
        ("030 1234567", "DE", "+49301234567"),
        ("491701234567", "DE", None),  # a mobile number without its plus, or a landline in Aurich
        ("0170 1234567", None, None),
        ("(555) 123-0001", "US", "+15551230001"),
        ("1-555-123-0001", "US", "+15551230001"),
        ("011 49 170 1234567", "US", "+491701234567"),
        ("00 49 170 1234567", "US", "+491701234567"),
        ("8 912 345-67-89", "RU", "+79123456789"),
        ("812 345 67 89", "RU", "+78123456789"),
        ("06 20 123 4567", "HU", "+36201234567"),
        ("612 345 678", "ES", "+34612345678"),
        ("34 612 345 678", "ES", "+34612345678"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("391 234 5678", "IT", "+393912345678"),
        ("11 91234-5678", "BR", "+5511912345678"),
        ("98765 43210", "IN", "+919876543210"),
        ("91987 65432", "IN", "+919198765432"),
        ("07911 123456", "GB", "+447911123456"),
        ("0911\u00a0123\u2011456", "gb", "+44911123456"),
        ("491701234567", "HK", None),
        ("group:120363", "DE", None),
        ("Alice", "DE", None),
        ("١٢٣٤٥٦٧٨", "DE", None),
        ("+", "DE", None),
        ("0", "DE", None),
        ("+1234567890123456", "DE", None),
    ],
)
def test_numbers_are_read_as_at_home(text: str, country: str | None, expected: str | None) -> None:
    assert international(text, country) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(491701234567, "+491701234567"), ("0170 1234567", "0170 1234567"), ("Alice", "Alice")]
)
def test_a_number_that_a_template_has_made_an_integer_was_international(value: object, expected: str) -> None:
    assert written(value) == expected
