"""A part of the chaos suite that runs inside Home Assistant: what an automation has seen is in a file at once, whatever is killed next."""
# mypy: ignore-errors
# Home Assistant is not among the packages of the tests that are checked together with this one.

import os

from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers.typing import ConfigType

DOMAIN = "chaos_recorder"


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Opens the file and adds the action `chaos_recorder.record`."""
    file = os.open(hass.config.path("recorded"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @callback
    def record(call: ServiceCall) -> None:
        os.write(file, f"{call.data['line']}\n".encode())

    os.write(file, b"started\n")
    hass.services.async_register(DOMAIN, "record", record)
    return True
