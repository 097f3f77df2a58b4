"""Line framing with the engine: however the bytes are cut, the messages are the same."""

import asyncio
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest
from whatsapp_bridge.engine_connection import (
    LINE_LIMIT,
    VIOLATIONS_ALLOWED,
    EngineConnection,
    EngineError,
    EngineProtocolError,
    encode_line,
)
from whatsapp_bridge.errors import EngineUnavailableError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Wire:
    """A connection whose other end is the test."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader(limit=LINE_LIMIT)
        self.written = bytearray()
        self.notifications: list[tuple[str, object]] = []
        self.connection = EngineConnection(self.reader, self, self)  # type: ignore[arg-type]

    async def room(self) -> None:
        return

    def notified(self, method: str, params: object) -> None:
        self.notifications.append((method, params))
        if params == "fault":
            raise RuntimeError("a fault of ours")

    def write(self, data: bytes) -> None:
        self.written += data

    async def drain(self) -> None:
        return

    def feed(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self.reader.feed_data(encode_line({"jsonrpc": "2.0", **message}))


@given(st.lists(st.tuples(st.text(min_size=1), JSON), max_size=8), st.data())
def test_every_message_comes_whole_and_in_order(notifications: list[tuple[str, Any]], data: st.DataObject) -> None:
    async def run() -> list[tuple[str, object]]:
        wire = Wire()
        stream = b"".join(
            encode_line({"jsonrpc": "2.0", "method": method, "params": params}) for method, params in notifications
        )
        while stream:
            cut = data.draw(st.integers(1, len(stream)))
            wire.reader.feed_data(stream[:cut])
            stream = stream[cut:]
        wire.reader.feed_eof()
        await wire.connection.read_until_end()
        return wire.notifications

    assert asyncio.run(run()) == notifications


@given(JSON)
def test_a_message_is_one_line(params: Any) -> None:
    line = encode_line({"params": params})
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"params": params}


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    async def run() -> list[tuple[str, object]]:
        wire = Wire()
        wire.reader.feed_data(noise.replace(b"\n", b"") + b"\n")
        wire.feed({"method": "after"})
        wire.reader.feed_eof()
        await wire.connection.read_until_end()
        return wire.notifications

    assert asyncio.run(run())[-1] == ("after", None)


async def test_answers_find_their_calls_in_any_order() -> None:
    wire = Wire()
    reading = asyncio.create_task(wire.connection.read_until_end())
    first = asyncio.create_task(wire.connection.call("a", {}, 5))
    second = asyncio.create_task(wire.connection.call("b", {}, 5))
    await asyncio.sleep(0)
    wire.feed(
        {"id": 2, "result": "two"}, {"id": 1, "result": "one"}, {"id": 1, "result": "again"}, {"id": 99, "result": 0}
    )
    assert (await first, await second) == ("one", "two")
    wire.reader.feed_eof()
    await reading


@pytest.mark.parametrize(
    ("error", "code", "whatsapp_code"),
    [
        (
            {"code": -32000, "message": "x", "data": {"error_code": "message_rejected", "whatsapp_code": 463}},
            "message_rejected",
            463,
        ),
        ({"code": -32602, "message": "x"}, "invalid_params", None),
        ({"code": -32603, "message": "x", "data": None}, "internal_error", None),
        ({"code": -1, "message": "x", "data": {"error_code": 5, "whatsapp_code": "x"}}, "internal_error", None),
    ],
)
async def test_errors_are_typed(error: dict[str, Any], code: str, whatsapp_code: int | None) -> None:
    wire = Wire()
    call = asyncio.create_task(wire.connection.call("a", {}, 5))
    await asyncio.sleep(0)
    wire.feed({"id": 1, "error": error})
    wire.reader.feed_eof()
    await wire.connection.read_until_end()
    with pytest.raises(EngineError) as failure:
        await call
    assert (failure.value.error_code, failure.value.whatsapp_code) == (code, whatsapp_code)


async def test_who_waits_when_the_engine_ends_is_told() -> None:
    wire = Wire()
    call = asyncio.create_task(wire.connection.call("a", {}, 5))
    await asyncio.sleep(0)
    wire.reader.feed_eof()
    await wire.connection.read_until_end()
    with pytest.raises(EngineUnavailableError):
        await call
    with pytest.raises(EngineUnavailableError):
        await wire.connection.call("b", {}, 5)


async def test_an_answer_that_does_not_come_is_not_awaited_for_ever() -> None:
    with pytest.raises(EngineUnavailableError):
        await Wire().connection.call("a", {}, 0.01)


async def test_a_report_that_cannot_be_handled_does_not_stop_the_others() -> None:
    wire = Wire()
    wire.feed({"method": "a", "params": "fault"}, {"method": "b"})
    wire.reader.feed_eof()
    await wire.connection.read_until_end()
    assert [method for method, _ in wire.notifications] == ["a", "b"]


async def test_too_much_noise_ends_the_connection() -> None:
    wire = Wire()
    wire.reader.feed_data(b"noise\n" * (VIOLATIONS_ALLOWED + 1))
    with pytest.raises(EngineProtocolError):
        await wire.connection.read_until_end()
