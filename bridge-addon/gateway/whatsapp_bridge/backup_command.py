"""`whatsapp-bridge backup`: asks the gateway that runs on this machine for a copy of its data, or to remove it."""

import http.client
import json
import sys

from whatsapp_bridge.api_token import api_token
from whatsapp_bridge.settings import Settings

_LIMIT = 90.0


def back_up(settings: Settings, *, done: bool) -> int:
    """Has the copy made, or removed where `done`. Returns the exit code."""
    given = settings.api_token.get_secret_value() if settings.api_token is not None else None
    headers = {"Authorization": f"Bearer {api_token(settings.data_dir, given)}"}
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=_LIMIT)
    try:
        connection.request("DELETE" if done else "POST", "/v1/gateway/backup", headers=headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.stderr.write(f"whatsapp-bridge: the gateway does not answer: {error}\n")
        return 1
    finally:
        connection.close()
    if answer.status != http.client.OK:
        sys.stderr.write(f"whatsapp-bridge: {told['detail']}\n")
        return 1
    return 0
