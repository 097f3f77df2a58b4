"""Names that several modules of the integration share."""

from typing import Final

DOMAIN: Final = "whatsapp_gateway"

CONF_ACCOUNT: Final = "account"
CONF_AUTHOR: Final = "author"
"""The gateway's id of the linked WhatsApp account: in an entry's data, and in the data of `notify.whatsapp`."""

CONF_PHONE: Final = "phone"
"""In an entry's data: the number (E.164) that it belongs to. Entities, recipients and history are of this number alone."""

EVENT_MESSAGE: Final = "whatsapp_gateway_message"
"""Fired on Home Assistant's bus for each message received."""

NOTIFY_ACTION: Final = "whatsapp"
"""Name of the action in the domain `notify`."""

REAUTH_LOGGED_OUT: Final = "logged_out"
"""In a reauthentication's data: the phone has unlinked the account; else it is the token that is not accepted."""
