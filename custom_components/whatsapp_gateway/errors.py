"""Turns the gateway's errors into Home Assistant's, with a translated sentence that says what to do."""

from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.translation import async_get_cached_translations

from .api.errors import (
    GatewayAnswerError,
    GatewayApiVersionError,
    GatewayAuthError,
    GatewayConnectionError,
    GatewayError,
    GatewayRequestError,
)
from .const import DOMAIN

CALLERS_MISTAKES: Final = frozenset(
    {
        "invalid_phone_number",
        "message_empty",
        "message_too_long",
        "validation_error",
        "idempotency_conflict",
        "media_empty",
        "media_too_large",
        "media_type_mismatch",
        "media_type_not_allowed",
        "media_unreadable",
        "media_url_forbidden",
        "not_possible_here",
    }
)
"""Codes of the gateway that blame what the caller wrote."""

OTHER_CODES: Final = frozenset(
    {
        "account_blocked",
        "account_failed",
        "account_logged_out",
        "account_not_found",
        "account_not_paired",
        "account_replaced",
        "already_paired",
        "body_too_large",
        "call_not_found",
        "engine_unavailable",
        "group_not_found",
        "internal_error",
        "invalid_json",
        "media_converter_missing",
        "media_damaged",
        "media_download_failed",
        "media_gone",
        "media_not_found",
        "media_upload_failed",
        "media_url_failed",
        "media_url_timeout",
        "message_already_sent",
        "message_cancelled",
        "message_expired",
        "message_not_found",
        "message_not_kept",
        "message_rejected",
        "method_not_allowed",
        "not_a_member",
        "not_connected",
        "not_found",
        "not_ready",
        "pairing_other_number",
        "pairing_rate_limited",
        "passkey_not_requested",
        "picture_not_available",
        "qr_not_available",
        "queue_full",
        "rate_limited",
        "recipient_not_on_whatsapp",
        "refused_by_whatsapp",
        "storage_full",
        "storage_unusable",
    }
)
"""The gateway's other codes. Each, and each of the above, is the key of a sentence."""


_FORM_ERRORS: Final = frozenset(
    {"api_version", "cannot_connect", "engine_unavailable", "internal_error", "invalid_auth", "not_the_gateway"}
)
"""Errors that have a sentence in a form; `request_failed` for all others."""


def translation_key(error: GatewayError) -> str:
    """Returns the key of the sentence for an error; `request_failed` names the code of one that we don't know."""
    match error:
        case GatewayConnectionError():
            return "cannot_connect"
        case GatewayAuthError():
            return "invalid_auth"
        case GatewayApiVersionError():
            return "api_version"
        case GatewayAnswerError():
            return "not_the_gateway"
        case GatewayRequestError(code=code) if code in CALLERS_MISTAKES | OTHER_CODES:
            return code
        case _:
            return "request_failed"


def placeholders(error: GatewayError) -> dict[str, str]:
    """Returns what the sentence for an error wants filled in."""
    match error:
        case GatewayApiVersionError(version=version):
            return {"version": str(version)}
        case GatewayRequestError(code=code) if code not in CALLERS_MISTAKES | OTHER_CODES:
            return {"code": code}
        case _:
            return {}


def translated(error: GatewayError) -> HomeAssistantError:
    """Returns the exception to raise instead of an error."""
    mistake = isinstance(error, GatewayRequestError) and error.code in CALLERS_MISTAKES
    kind = ServiceValidationError if mistake else HomeAssistantError
    return kind(
        translation_domain=DOMAIN, translation_key=translation_key(error), translation_placeholders=placeholders(error)
    )


def sentence(hass: HomeAssistant, error: GatewayError) -> str:
    """Returns an error's sentence in the house's language, to be filled into another one."""
    key = f"component.{DOMAIN}.exceptions.{translation_key(error)}.message"
    texts = async_get_cached_translations(hass, hass.config.language, "exceptions", DOMAIN)
    text = texts[key].format(**placeholders(error)) if key in texts else str(translated(error))
    return text.rstrip(".।")


def form_error(error: GatewayError) -> str:
    """Returns the key of an error's sentence below a form."""
    key = translation_key(error)
    return key if key in _FORM_ERRORS else "request_failed"
