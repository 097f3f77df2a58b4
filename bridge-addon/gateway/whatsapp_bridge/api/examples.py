"""Which golden examples `/docs` shows with which route. `scripts/generate` copies them from tests/golden into examples.json."""

from collections.abc import Sequence
from functools import cache
import json
from pathlib import Path
from typing import Any, NamedTuple


class Shown(NamedTuple):
    """Names of golden examples: of the body of a request, and of the success."""

    requests: Sequence[str] = ()
    answers: Sequence[str] = ()


ROUTES: dict[str, Shown] = {
    "health": Shown(answers=("answer-health", "answer-health-degraded")),
    "ready": Shown(answers=("answer-ready",)),
    "get_overview": Shown(answers=("answer-gateway",)),
    "change_gateway": Shown(("request-gateway-change",), ("answer-gateway-changed",)),
    "get_report": Shown(answers=("answer-gateway-report",)),
    "make_backup": Shown(answers=("answer-backup",)),
    "remove_backup": Shown(answers=("answer-nothing",)),
    "list_accounts": Shown(answers=("answer-accounts",)),
    "add_account": Shown(("request-account-add",), ("answer-account-added",)),
    "get_account": Shown(answers=("answer-account", "answer-account-logged-out", "answer-account-reconnecting")),
    "change_account": Shown(("request-account-change",), ("answer-account-changed",)),
    "remove_account": Shown(answers=("answer-account-removed",)),
    "restart_account": Shown(answers=("answer-account-restarted",)),
    "unlink_account": Shown(answers=("answer-unlinked",)),
    "begin_pairing": Shown(("request-pairing-qr", "request-pairing-code"), ("answer-pairing-started",)),
    "end_pairing": Shown(answers=("answer-pairing-cancelled",)),
    "answer_with_passkey": Shown(("request-pairing-passkey",), ("answer-pairing-passkey",)),
    "confirm_pairing": Shown(("request-pairing-confirmation",), ("answer-pairing-confirmed",)),
    "get_qr": Shown(answers=("answer-qr",)),
    "send_message": Shown(
        (
            "request-message-text",
            "request-message-markdown",
            "request-message-image",
            "request-message-video",
            "request-message-audio",
            "request-message-voice",
            "request-message-document",
            "request-message-sticker",
            "request-message-location",
            "request-message-contact",
            "request-message-poll",
            "request-message-event",
            "request-message-album",
            "request-message-reaction",
            "request-message-edit",
            "request-message-revoke",
            "request-message-forward",
            "request-message-status",
        ),
        ("answer-message-sent", "answer-message-queued"),
    ),
    "list_messages": Shown(answers=("answer-messages",)),
    "get_message": Shown(answers=("answer-message-sent", "answer-message-failed", "answer-message-expired")),
    "cancel_message": Shown(answers=("answer-message-cancelled",)),
    "list_contacts": Shown(answers=("answer-contacts",)),
    "resync_contacts": Shown(answers=("answer-nothing",)),
    "list_chats": Shown(answers=("answer-chats",)),
    "mark_read": Shown(("request-read",), ("answer-nothing",)),
    "show_presence": Shown(("request-presence",), ("answer-nothing",)),
    "watch_presence": Shown(answers=("answer-nothing",)),
    "reject_call": Shown(answers=("answer-nothing",)),
    "check_numbers": Shown(("request-numbers",), ("answer-numbers",)),
    "list_groups": Shown(answers=("answer-groups",)),
    "get_group": Shown(answers=("answer-group",)),
    "create_group": Shown(("request-group-create",), ("answer-group",)),
    "update_group": Shown(("request-group-change",), ("answer-group",)),
    "change_members": Shown(("request-group-members",), ("answer-group-members",)),
    "get_invite": Shown(answers=("answer-group-invite",)),
    "renew_invite": Shown(answers=("answer-group-invite",)),
    "leave_group": Shown(answers=("answer-nothing",)),
    "get_profile": Shown(answers=("answer-profile",)),
    "update_profile": Shown(("request-profile",), ("answer-profile",)),
    "list_blocked": Shown(answers=("answer-blocked",)),
    "block": Shown(answers=("answer-blocked",)),
    "unblock": Shown(answers=("answer-blocked-none",)),
    "send": Shown(("request-send",), ("answer-message-sent", "answer-message-queued")),
    "send_image_url": Shown(("request-send-image-url",), ("answer-message-sent",)),
    "send_file": Shown(answers=("answer-message-sent",)),
    "qr": Shown(answers=("answer-qr",)),
    "status": Shown(answers=("answer-status",)),
}
"""By the name of the function that answers a route."""

QUEUED = "answer-message-queued"
"""What is shown for 202 where a message is sent."""

EXAMPLES_FILE = Path(__file__).with_name("examples.json")


@cache
def golden_examples() -> dict[str, Any]:
    """Returns the examples by name: those that are shown with a route, all errors and all events."""
    examples: dict[str, Any] = json.loads(EXAMPLES_FILE.read_bytes())
    return examples
