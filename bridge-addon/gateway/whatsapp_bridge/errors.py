"""What can go wrong for a caller: one stable code each, and the HTTP status that it means."""

from enum import StrEnum
from http import HTTPStatus
from typing import Any


class ErrorCode(StrEnum):
    """The stable codes of docs/api.md. Codes are added, never renamed."""

    UNAUTHORIZED = "unauthorized"
    INVALID_JSON = "invalid_json"
    VALIDATION_ERROR = "validation_error"
    INVALID_PHONE_NUMBER = "invalid_phone_number"
    MESSAGE_EMPTY = "message_empty"
    MESSAGE_TOO_LONG = "message_too_long"
    BODY_TOO_LARGE = "body_too_large"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    ACCOUNT_NOT_FOUND = "account_not_found"
    MESSAGE_NOT_FOUND = "message_not_found"
    QR_NOT_AVAILABLE = "qr_not_available"
    ACCOUNT_NOT_PAIRED = "account_not_paired"
    ACCOUNT_LOGGED_OUT = "account_logged_out"
    ACCOUNT_REPLACED = "account_replaced"
    ACCOUNT_BLOCKED = "account_blocked"
    ACCOUNT_FAILED = "account_failed"
    ALREADY_PAIRED = "already_paired"
    PAIRING_OTHER_NUMBER = "pairing_other_number"
    PASSKEY_NOT_REQUESTED = "passkey_not_requested"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    MESSAGE_ALREADY_SENT = "message_already_sent"
    MESSAGE_CANCELLED = "message_cancelled"
    RECIPIENT_NOT_ON_WHATSAPP = "recipient_not_on_whatsapp"
    MESSAGE_REJECTED = "message_rejected"
    MESSAGE_EXPIRED = "message_expired"
    MESSAGE_NOT_KEPT = "message_not_kept"
    NOT_POSSIBLE_HERE = "not_possible_here"
    MEDIA_TOO_LARGE = "media_too_large"
    MEDIA_EMPTY = "media_empty"
    MEDIA_UNREADABLE = "media_unreadable"
    MEDIA_TYPE_MISMATCH = "media_type_mismatch"
    MEDIA_TYPE_NOT_ALLOWED = "media_type_not_allowed"
    MEDIA_URL_FORBIDDEN = "media_url_forbidden"
    MEDIA_URL_FAILED = "media_url_failed"
    MEDIA_URL_TIMEOUT = "media_url_timeout"
    MEDIA_UPLOAD_FAILED = "media_upload_failed"
    MEDIA_NOT_FOUND = "media_not_found"
    MEDIA_GONE = "media_gone"
    MEDIA_DAMAGED = "media_damaged"
    MEDIA_DOWNLOAD_FAILED = "media_download_failed"
    PICTURE_NOT_AVAILABLE = "picture_not_available"
    CALL_NOT_FOUND = "call_not_found"
    GROUP_NOT_FOUND = "group_not_found"
    REFUSED_BY_WHATSAPP = "refused_by_whatsapp"
    NOT_A_MEMBER = "not_a_member"
    NOT_CONNECTED = "not_connected"
    MEDIA_CONVERTER_MISSING = "media_converter_missing"
    QUEUE_FULL = "queue_full"
    RATE_LIMITED = "rate_limited"
    PAIRING_RATE_LIMITED = "pairing_rate_limited"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    NOT_READY = "not_ready"
    STORAGE_FULL = "storage_full"
    STORAGE_UNUSABLE = "storage_unusable"
    INTERNAL_ERROR = "internal_error"


_STATUS = {
    ErrorCode.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    ErrorCode.INVALID_JSON: HTTPStatus.BAD_REQUEST,
    ErrorCode.BODY_TOO_LARGE: HTTPStatus.CONTENT_TOO_LARGE,
    ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ErrorCode.ACCOUNT_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.MESSAGE_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.QR_NOT_AVAILABLE: HTTPStatus.NOT_FOUND,
    ErrorCode.ACCOUNT_NOT_PAIRED: HTTPStatus.CONFLICT,
    ErrorCode.ACCOUNT_LOGGED_OUT: HTTPStatus.CONFLICT,
    ErrorCode.ACCOUNT_REPLACED: HTTPStatus.CONFLICT,
    ErrorCode.ACCOUNT_BLOCKED: HTTPStatus.CONFLICT,
    ErrorCode.ACCOUNT_FAILED: HTTPStatus.CONFLICT,
    ErrorCode.ALREADY_PAIRED: HTTPStatus.CONFLICT,
    ErrorCode.PAIRING_OTHER_NUMBER: HTTPStatus.CONFLICT,
    ErrorCode.PASSKEY_NOT_REQUESTED: HTTPStatus.CONFLICT,
    ErrorCode.IDEMPOTENCY_CONFLICT: HTTPStatus.CONFLICT,
    ErrorCode.MESSAGE_ALREADY_SENT: HTTPStatus.CONFLICT,
    ErrorCode.MESSAGE_CANCELLED: HTTPStatus.CONFLICT,
    ErrorCode.MESSAGE_EXPIRED: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorCode.MEDIA_TOO_LARGE: HTTPStatus.CONTENT_TOO_LARGE,
    ErrorCode.MEDIA_TYPE_MISMATCH: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.MEDIA_TYPE_NOT_ALLOWED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.MEDIA_URL_FAILED: HTTPStatus.BAD_GATEWAY,
    ErrorCode.MEDIA_URL_TIMEOUT: HTTPStatus.GATEWAY_TIMEOUT,
    ErrorCode.MEDIA_UPLOAD_FAILED: HTTPStatus.BAD_GATEWAY,
    ErrorCode.MEDIA_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.MEDIA_GONE: HTTPStatus.GONE,
    ErrorCode.MEDIA_DAMAGED: HTTPStatus.BAD_GATEWAY,
    ErrorCode.MEDIA_DOWNLOAD_FAILED: HTTPStatus.BAD_GATEWAY,
    ErrorCode.PICTURE_NOT_AVAILABLE: HTTPStatus.NOT_FOUND,
    ErrorCode.CALL_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.GROUP_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.NOT_A_MEMBER: HTTPStatus.FORBIDDEN,
    ErrorCode.NOT_CONNECTED: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.MEDIA_CONVERTER_MISSING: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.QUEUE_FULL: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.PAIRING_RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ErrorCode.ENGINE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.NOT_READY: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.STORAGE_FULL: HTTPStatus.INSUFFICIENT_STORAGE,
    ErrorCode.STORAGE_UNUSABLE: HTTPStatus.INTERNAL_SERVER_ERROR,
    ErrorCode.INTERNAL_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def http_status(code: ErrorCode) -> HTTPStatus:
    """Returns the HTTP status of a code; those that blame the content of a request are 422."""
    return _STATUS.get(code, HTTPStatus.UNPROCESSABLE_CONTENT)


class BridgeError(Exception):
    """A request cannot be fulfilled.

    `detail` is a sentence for people, without message contents and phone numbers. `retry_after` is in seconds. `data` is
    what is known of the thing that failed, a JSON object.
    """

    def __init__(
        self, code: ErrorCode, detail: str, *, retry_after: int | None = None, data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.data = data


ENGINE_RETRY_AFTER = 2
"""Seconds after which a caller may expect the engine to be back."""


class EngineUnavailableError(BridgeError):
    """The engine is not there now, or does not answer; it is being restarted."""

    def __init__(self) -> None:
        super().__init__(
            ErrorCode.ENGINE_UNAVAILABLE,
            "The WhatsApp engine is being restarted. Try again in a moment.",
            retry_after=ENGINE_RETRY_AFTER,
        )
