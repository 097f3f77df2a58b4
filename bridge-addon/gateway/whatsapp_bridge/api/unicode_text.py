"""Text that can be passed on."""

from typing import Annotated

from pydantic import AfterValidator


def encodable(text: str) -> str:
    """Checks a text. JSON can spell half a surrogate pair (RFC 8259, section 8.2), which no other format can.

    Raises:
        ValueError: it holds one.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("half of a character") from None
    return text


UnicodeText = Annotated[str, AfterValidator(encodable)]
