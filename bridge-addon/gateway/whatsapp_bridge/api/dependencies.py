"""How a route gets at the gateway."""

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from whatsapp_bridge.engine_protocol import ACCOUNT_ID
from whatsapp_bridge.gateway import Gateway


def _gateway(connection: HTTPConnection) -> Gateway:
    gateway = connection.app.state.gateway
    if not isinstance(gateway, Gateway):
        raise TypeError("the app was made without a gateway")
    return gateway


TheGateway = Annotated[Gateway, Depends(_gateway)]
AccountId = Annotated[str, Path(description=f"An account's id, {ACCOUNT_ID}")]
