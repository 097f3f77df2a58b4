"""What each error code means and what to do about it: the source of docs/errors.md and of what `/docs` shows."""

from typing import NamedTuple

from whatsapp_bridge.errors import ErrorCode


class Meaning(NamedTuple):
    """Two sentences for people."""

    cause: str
    cure: str


MEANINGS: dict[ErrorCode, Meaning] = {
    ErrorCode.UNAUTHORIZED: Meaning(
        "The call has no token, or a wrong one.",
        "Send `Authorization: Bearer <token>`; the token is in `api-token` in the data folder, or what `BRIDGE_API_TOKEN` says.",
    ),
    ErrorCode.INVALID_JSON: Meaning("The body is not JSON.", "Send JSON with `Content-Type: application/json`."),
    ErrorCode.VALIDATION_ERROR: Meaning(
        "A field or parameter is missing, unknown, or of the wrong form; or WhatsApp does not take this content in this chat.",
        "`detail` names the field: correct it. The document at `/docs` has the form of every body.",
    ),
    ErrorCode.INVALID_PHONE_NUMBER: Meaning(
        "A recipient is neither a phone number nor a chat id.",
        "Write numbers with `+` and the country code, or set `BRIDGE_COUNTRY` to have national ones understood.",
    ),
    ErrorCode.MESSAGE_EMPTY: Meaning("The text has no visible character.", "Send a text."),
    ErrorCode.MESSAGE_TOO_LONG: Meaning(
        "The text is longer than `BRIDGE_MAX_MESSAGE_LENGTH`.", "Shorten it, send it in parts, or raise the setting."
    ),
    ErrorCode.BODY_TOO_LARGE: Meaning(
        "The JSON is over 512 KiB without a file in it, or over the file limit with one.",
        "Send large files as `multipart/form-data`.",
    ),
    ErrorCode.NOT_FOUND: Meaning("There is no such route.", "Look the path up in `/docs`."),
    ErrorCode.METHOD_NOT_ALLOWED: Meaning("The route does not know this method.", "Look the method up in `/docs`."),
    ErrorCode.ACCOUNT_NOT_FOUND: Meaning(
        "There is no account of this id, or none at all.", "List them with `GET /v1/accounts`, or add one."
    ),
    ErrorCode.MESSAGE_NOT_FOUND: Meaning(
        "No message of this id was accepted, or it was settled more than a week ago.",
        "Use the `messageId` of the answer.",
    ),
    ErrorCode.QR_NOT_AVAILABLE: Meaning(
        "No QR code waits to be scanned.", "Begin a pairing with `POST …/pairing`, then ask again."
    ),
    ErrorCode.ACCOUNT_NOT_PAIRED: Meaning("The account is not linked to a phone yet.", "Pair it."),
    ErrorCode.ACCOUNT_LOGGED_OUT: Meaning("The phone has removed this linked device.", "Pair the account again."),
    ErrorCode.ACCOUNT_REPLACED: Meaning(
        "The same link is used by another program.", "Stop the other one, then restart the gateway."
    ),
    ErrorCode.ACCOUNT_BLOCKED: Meaning(
        "WhatsApp has blocked this number, for a time or for good.",
        "Open WhatsApp on the phone: it says what it wants.",
    ),
    ErrorCode.ACCOUNT_FAILED: Meaning(
        "The account's store cannot be used.",
        "The log says why; remove the account and pair it anew if nothing else helps.",
    ),
    ErrorCode.ALREADY_PAIRED: Meaning("The account is linked already.", "Nothing; or remove the account first."),
    ErrorCode.PASSKEY_NOT_REQUESTED: Meaning(
        "WhatsApp asks for no passkey, or for no comparing of codes, now.",
        "Begin the pairing again and answer in time.",
    ),
    ErrorCode.IDEMPOTENCY_CONFLICT: Meaning(
        "The `Idempotency-Key` was used for another message.", "Use a new key for each message."
    ),
    ErrorCode.MESSAGE_ALREADY_SENT: Meaning(
        "The message was sent, or may have been: it cannot be taken out of the queue.", "Send a `revoke` for it."
    ),
    ErrorCode.MESSAGE_CANCELLED: Meaning(
        "The message was taken out of the queue while this call waited for it.", "Nothing; it was asked for."
    ),
    ErrorCode.RECIPIENT_NOT_ON_WHATSAPP: Meaning("The number is not on WhatsApp.", "Check the number."),
    ErrorCode.MESSAGE_REJECTED: Meaning(
        "WhatsApp refused the message; `whatsapp_code` says why (463: too many new chats).",
        "With 463 or 429 wait, and write to people who know the number; the account rests by itself.",
    ),
    ErrorCode.MESSAGE_EXPIRED: Meaning(
        "WhatsApp did not acknowledge the message within its time to live.",
        "Look at the account's state and send it again; `ttl` or `BRIDGE_MESSAGE_TTL` give it longer.",
    ),
    ErrorCode.MESSAGE_NOT_KEPT: Meaning(
        "The message that is to be forwarded is not kept any more, or was never here.", "Send its content anew."
    ),
    ErrorCode.NOT_POSSIBLE_HERE: Meaning(
        "A linked device cannot send this.", "`detail` says what to use instead: for buttons and lists a poll."
    ),
    ErrorCode.MEDIA_TOO_LARGE: Meaning(
        "The file is over `BRIDGE_MAX_FILE_SIZE`, over what WhatsApp takes of this type, or over `BRIDGE_MEDIA_QUOTA` where received.",
        "Send a smaller one, send it as `document`, or raise the setting.",
    ),
    ErrorCode.MEDIA_EMPTY: Meaning("The file has no bytes.", "Check where it comes from."),
    ErrorCode.MEDIA_UNREADABLE: Meaning(
        "The picture, sound or film cannot be read.", "Check the file; as `document` any file can be sent."
    ),
    ErrorCode.MEDIA_TYPE_MISMATCH: Meaning(
        "The content is not what `mimetype` or the file's name say.", "Leave `mimetype` out, or say what it is."
    ),
    ErrorCode.MEDIA_TYPE_NOT_ALLOWED: Meaning(
        "WhatsApp does not take this type of file as this type of message.", "Send it as `document`."
    ),
    ErrorCode.MEDIA_URL_FORBIDDEN: Meaning(
        "The URL leads into the local network, has another scheme than http(s), or redirects too often.",
        "Add the host to `BRIDGE_ALLOWED_ADDRESSES`, or upload the file.",
    ),
    ErrorCode.MEDIA_URL_FAILED: Meaning(
        "The URL's server does not answer, or not with 200.", "`detail` says which; check the URL and its credentials."
    ),
    ErrorCode.MEDIA_URL_TIMEOUT: Meaning("Fetching the URL took longer than 60 s.", "Upload the file instead."),
    ErrorCode.MEDIA_UPLOAD_FAILED: Meaning(
        "WhatsApp's media servers did not take the file, three times.",
        "Check the internet connection and send it again.",
    ),
    ErrorCode.MEDIA_NOT_FOUND: Meaning(
        "No file of a received message is known by this id, or it is older than `BRIDGE_MEDIA_RETENTION`.",
        "Fetch files sooner, or raise the setting.",
    ),
    ErrorCode.MEDIA_GONE: Meaning(
        "Neither WhatsApp nor the sender's phone has the file any more.", "Ask the sender to send it again."
    ),
    ErrorCode.MEDIA_DAMAGED: Meaning(
        "The hash or MAC of a received file is wrong: it was changed on its way.", "Ask the sender to send it again."
    ),
    ErrorCode.MEDIA_DOWNLOAD_FAILED: Meaning(
        "WhatsApp's media servers do not give a received file, or not within 120 s.", "Try again later."
    ),
    ErrorCode.PICTURE_NOT_AVAILABLE: Meaning(
        "This person or group has no picture, or this account may not see it.", "Nothing; show a picture of your own."
    ),
    ErrorCode.CALL_NOT_FOUND: Meaning(
        "No such call rings now: it is over, or nobody called.",
        "Reject a call while it rings: at its `call.changed` event.",
    ),
    ErrorCode.GROUP_NOT_FOUND: Meaning("WhatsApp knows no such group.", "List the groups for their ids."),
    ErrorCode.REFUSED_BY_WHATSAPP: Meaning(
        "WhatsApp refused what was asked of it; `whatsapp_code` in `data` says why, where it told: 401 and 403 where only an admin may, "
        "406 for a form that it does not take, 409 where somebody else was quicker.",
        "Check that the chat exists and that this account may do that there: most changes of a group are its admins'.",
    ),
    ErrorCode.NOT_A_MEMBER: Meaning("This account is not in the group.", "Have it added to the group."),
    ErrorCode.NOT_CONNECTED: Meaning(
        "A question to WhatsApp, which is not queued, and there is no connection now.",
        "Try again after `Retry-After` seconds; look at the account's state.",
    ),
    ErrorCode.MEDIA_CONVERTER_MISSING: Meaning(
        "Sounds and films cannot be converted: ffmpeg is not there.", "Install ffmpeg, or the package imageio-ffmpeg."
    ),
    ErrorCode.QUEUE_FULL: Meaning(
        "More than `BRIDGE_QUEUE_LIMIT` messages of this account wait.",
        "Send less, and try again after `Retry-After` seconds.",
    ),
    ErrorCode.PAIRING_OTHER_NUMBER: Meaning(
        "A code was asked for another number than the account was linked to.",
        "Give the account's own number, or add an account for the other one.",
    ),
    ErrorCode.RATE_LIMITED: Meaning(
        "More calls with this token than `BRIDGE_RATE_LIMIT` a minute.",
        "Try again after `Retry-After` seconds; look for what calls so often, or raise the setting.",
    ),
    ErrorCode.PAIRING_RATE_LIMITED: Meaning(
        "WhatsApp gives no more codes to type for now.",
        "Wait for `Retry-After` seconds, trying sooner makes it longer; or scan a QR code.",
    ),
    ErrorCode.ENGINE_UNAVAILABLE: Meaning(
        "The engine is being restarted, or the gateway stops.",
        "Try again after `Retry-After` seconds; if it stays so, the log says why.",
    ),
    ErrorCode.NOT_READY: Meaning(
        "No message could be sent now: the engine does not run, or no account is connected.",
        "`detail` says which; `GET /health` has more.",
    ),
    ErrorCode.STORAGE_FULL: Meaning(
        "The disk or its quota is full: the message was not accepted, or the received file is not kept.", "Make room."
    ),
    ErrorCode.STORAGE_UNUSABLE: Meaning(
        "The gateway's database cannot be read or written.",
        "The log says why; check the data folder's disk and permissions.",
    ),
    ErrorCode.INTERNAL_ERROR: Meaning(
        "A fault of the gateway or the engine.", "Report it, with the log of that moment."
    ),
}
