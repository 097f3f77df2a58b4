"""Events over a WebSocket."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, WebSocket
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.websockets import WebSocketDisconnect

from whatsapp_bridge import __version__
from whatsapp_bridge.account import Account
from whatsapp_bridge.api.dependencies import TheGateway
from whatsapp_bridge.errors import ErrorCode
from whatsapp_bridge.events import EventLog, EventLogClosedError, Subscription
from whatsapp_bridge.log import logger

router = APIRouter(tags=["events"])

API_VERSION = 1

CLOSE_GOING_AWAY = 1001
CLOSE_INVALID_FRAME = 4400
CLOSE_TOO_SLOW = 4408

DEFAULT_CONSUMER = "default"
"""Whose acknowledgements those of a nameless consumer are."""

SEND_LIMIT = 30.0
"""Seconds after which a consumer that takes nothing is too slow."""

_CLOSE_LIMIT = 15.0
_ENDINGS = (WebSocketDisconnect, EventLogClosedError, TimeoutError)


class Hello(BaseModel):
    """The first frame: state first, then events."""

    type: Literal["hello"] = "hello"
    api_version: int = API_VERSION
    gateway_version: str = __version__
    gateway_id: str
    log: str
    sequence: int
    accounts: list[Account]
    waiting: dict[str, int]
    """How many messages wait, of each account that has some."""
    storage: ErrorCode | None
    """The code of what keeps events and messages from being written now."""


class Acknowledgement(BaseModel):
    """All events up to this number were processed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ack: int


@router.websocket("/v1/events")
async def events(
    websocket: WebSocket,
    gateway: TheGateway,
    since: Annotated[int | None, Query(ge=0)] = None,
    log: Annotated[str | None, Query(max_length=64)] = None,
    consumer: Annotated[str | None, Query(pattern=r"^[a-z0-9_-]{1,64}$")] = None,
) -> None:
    """Sends the hello, what was missed and what happens, until one side goes."""
    subscription = await gateway.events.subscribe(since, log, consumer)
    try:
        await websocket.accept()
        hello = Hello(
            gateway_id=gateway.id,
            log=gateway.events.log_id,
            sequence=subscription.sequence,
            accounts=gateway.accounts.all(),
            waiting=gateway.outbox.waiting_by_account(),
            storage=gateway.database.fault,
        )
        code = await _serve(websocket, gateway.events, subscription, hello, consumer or DEFAULT_CONSUMER)
    finally:
        gateway.events.unsubscribe(subscription)
    if code is not None:
        await _close(websocket, code)


async def _serve(
    websocket: WebSocket, log: EventLog, subscription: Subscription, hello: Hello, consumer: str
) -> int | None:
    """Serves a consumer and returns the code to close with, None if it has gone."""
    sending = asyncio.create_task(_send(websocket, subscription, hello), name="events out")
    receiving = asyncio.create_task(_receive(websocket, log, consumer), name="events in")
    ending = asyncio.create_task(subscription.ended(), name="end of events")
    tasks = (sending, receiving, ending)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, _ENDINGS):
            raise outcome
    if receiving in (done := {task for task in tasks if not task.cancelled()}) and receiving.exception() is not None:
        return None
    if receiving in done:
        return CLOSE_INVALID_FRAME
    if ending in done:
        return CLOSE_GOING_AWAY
    if sending in done and isinstance(sending.exception(), TimeoutError):
        return CLOSE_TOO_SLOW
    return None


async def _send(websocket: WebSocket, subscription: Subscription, hello: Hello) -> None:
    """Sends all there is to send.

    Raises:
        TimeoutError: the consumer has taken nothing for too long.
    """
    await websocket.send_text(hello.model_dump_json())
    while True:
        event = await subscription.next()
        late = event.kept and event.sequence <= subscription.sequence
        async with asyncio.timeout(SEND_LIMIT):
            await websocket.send_text(event.frame(late=late))


async def _receive(websocket: WebSocket, log: EventLog, consumer: str) -> None:
    """Takes acknowledgements; returns when a frame is none."""
    while True:
        try:
            acknowledgement = Acknowledgement.model_validate_json(await websocket.receive_text())
        except ValidationError, KeyError:
            return
        log.acknowledge(consumer, acknowledgement.ack)


async def _close(websocket: WebSocket, code: int) -> None:
    """Says why, if the consumer takes it: one that is too slow may not even read that."""
    try:
        async with asyncio.timeout(_CLOSE_LIMIT):
            await websocket.close(code)
    except TimeoutError, WebSocketDisconnect, RuntimeError:
        logger().warning("consumer_gone", code=code)
