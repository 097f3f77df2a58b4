"""What Prometheus is told."""

import os
import signal

from prometheus_client.parser import text_string_to_metric_families

from tests.gateway.conftest import ALICE, Api, Running, children, eventually


async def figures(api: Api) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample, by name and labels."""
    text = (await api("GET", "/metrics")).body.decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def named(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"whatsapp_bridge_{name}", frozenset(labels.items())


async def test_messages_are_counted_by_type_and_how_they_ended(running: Running) -> None:
    api = running.api
    await api.send("hello", wait=5)
    await api.send("error message_rejected 463", wait=5)
    place = {"type": "location", "to": ALICE, "latitude": 1, "longitude": 2}
    await api("POST", "/v1/accounts/home/messages?wait=5", place)
    await api.send("receive 3 x", wait=5)
    await eventually(lambda: running.gateway.received.total() == 3)
    seen = await figures(api)
    assert seen[named("messages_total", type="text", status="sent")] == 2
    assert seen[named("messages_total", type="text", status="failed")] == 1
    assert seen[named("messages_total", type="location", status="sent")] == 1
    assert seen[named("messages_received_total", type="text")] == 3


async def test_how_long_sending_took_is_a_histogram(running: Running) -> None:
    await running.api.send("slow 0.3", wait=5)
    seen = await figures(running.api)
    for name in ("send_seconds", "acknowledgement_seconds"):
        assert seen[named(f"{name}_count")] == 1
        assert 0.3 <= seen[named(f"{name}_sum")] < 5
        assert seen[named(f"{name}_bucket", le="0.25")] == 0
        assert seen[named(f"{name}_bucket", le="+Inf")] == 1


async def test_the_queue_the_states_and_what_was_lost(running: Running) -> None:
    api = running.api
    await api.send("state reconnecting connection_lost", wait=5)
    await running.reaches("reconnecting")
    await api.send("waits")
    seen = await figures(api)
    assert seen[named("outbox_messages")] == 1
    assert seen[named("accounts", state="reconnecting")] == 1
    assert seen[named("reconnects_total", reason="connection_lost")] == 1
    assert seen[named("connected_seconds_total")] > 0
    assert seen[named("engine_restarts_total")] == 0
    os.kill(children()[0], signal.SIGKILL)
    await eventually(lambda: running.gateway.engine.restarts == 1)
    assert (await figures(api))[named("engine_restarts_total")] == 1


async def test_no_figure_names_an_account_or_a_number(running: Running) -> None:
    await running.api.send("hello", wait=5)
    text = (await running.api("GET", "/metrics")).body.decode()
    assert "home" not in text
    assert ALICE[1:] not in text
