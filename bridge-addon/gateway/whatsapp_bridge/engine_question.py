"""Questions to WhatsApp, asked through the engine and answered while the caller waits: nothing of them is queued."""

from typing import Any

from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_connection import EngineError
from whatsapp_bridge.engine_protocol import EngineErrorCode
from whatsapp_bridge.errors import BridgeError, EngineUnavailableError, ErrorCode
from whatsapp_bridge.log import logger

_RETRY_AFTER = 5

_ANSWERS = {
    EngineErrorCode.NOT_CONNECTED: (ErrorCode.NOT_CONNECTED, "WhatsApp is not connected now."),
    EngineErrorCode.INVALID_PARAMS: (ErrorCode.VALIDATION_ERROR, "WhatsApp has no such thing to ask for."),
    EngineErrorCode.MESSAGE_REJECTED: (ErrorCode.REFUSED_BY_WHATSAPP, "WhatsApp refused this."),
    EngineErrorCode.GROUP_NOT_FOUND: (ErrorCode.GROUP_NOT_FOUND, "WhatsApp knows no such group."),
    EngineErrorCode.NOT_A_MEMBER: (ErrorCode.NOT_A_MEMBER, "This account is not in the group."),
    EngineErrorCode.RECIPIENT_NOT_ON_WHATSAPP: (
        ErrorCode.RECIPIENT_NOT_ON_WHATSAPP,
        "This number is not on WhatsApp.",
    ),
    EngineErrorCode.PICTURE_NOT_AVAILABLE: (
        ErrorCode.PICTURE_NOT_AVAILABLE,
        "There is no picture, or this account may not see it.",
    ),
    EngineErrorCode.CALL_NOT_KNOWN: (ErrorCode.CALL_NOT_FOUND, "No such call rings now."),
    EngineErrorCode.REFUSED: (
        ErrorCode.REFUSED_BY_WHATSAPP,
        "WhatsApp does not allow this account to change that.",
    ),
    EngineErrorCode.MEDIA_NOT_KNOWN: (ErrorCode.MEDIA_NOT_FOUND, "No file of a received message is known by this id."),
    EngineErrorCode.MEDIA_GONE: (
        ErrorCode.MEDIA_GONE,
        "Neither WhatsApp nor the sender's phone has this file any more.",
    ),
    EngineErrorCode.MEDIA_TOO_LARGE: (ErrorCode.MEDIA_TOO_LARGE, "The file is larger than the gateway takes."),
    EngineErrorCode.MEDIA_DAMAGED: (ErrorCode.MEDIA_DAMAGED, "The file was changed on its way: its hash is wrong."),
    EngineErrorCode.STORAGE_FULL: (ErrorCode.STORAGE_FULL, "The disk is full: the file cannot be kept."),
    EngineErrorCode.MEDIA_DOWNLOAD_FAILED: (
        ErrorCode.MEDIA_DOWNLOAD_FAILED,
        "WhatsApp's media servers did not give the file, or not in time.",
    ),
}


async def ask(engine: Engine, method: str, params: dict[str, Any], limit: float) -> object:
    """Asks the engine and returns its answer. `limit` is in seconds.

    Raises:
        BridgeError: what the engine says it cannot do, as the caller is told; `engine_unavailable`.
    """
    try:
        return await engine.call(method, params, limit)
    except EngineError as error:
        if error.error_code == EngineErrorCode.ACCOUNT_NOT_STARTED:
            raise EngineUnavailableError from error
        known = _ANSWERS.get(EngineErrorCode(error.error_code)) if error.error_code in EngineErrorCode else None
        if known is None:
            logger().error("question_failed", method=method, error_code=error.error_code)
        code, detail = known or (ErrorCode.INTERNAL_ERROR, "The engine could not answer; the gateway's log has it.")
        retry_after = _RETRY_AFTER if code is ErrorCode.NOT_CONNECTED else None
        data = None if error.whatsapp_code is None else {"whatsapp_code": error.whatsapp_code}
        raise BridgeError(code, detail, retry_after=retry_after, data=data) from error
