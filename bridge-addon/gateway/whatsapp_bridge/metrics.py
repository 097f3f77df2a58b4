"""What Prometheus is told, read from the parts when it asks."""

import asyncio
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from whatsapp_bridge import __version__
from whatsapp_bridge.durations import Durations
from whatsapp_bridge.engine import EngineState
from whatsapp_bridge.engine_protocol import AccountState
from whatsapp_bridge.events import EventType
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.timestamps import now

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"


class GatewayCollector(Collector):
    """The gateway's figures. Labels hold no account and no number: states and kinds alone."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        """Yields all figures as they are now. Must be called on the gateway's loop."""
        gateway = self._gateway
        info = GaugeMetricFamily("whatsapp_bridge_info", "The gateway that runs", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield GaugeMetricFamily("whatsapp_bridge_tasks", "asyncio tasks", value=len(asyncio.all_tasks()))

        engine = gateway.engine
        yield GaugeMetricFamily(
            "whatsapp_bridge_engine_up", "Whether the engine answers", value=engine.state is EngineState.RUNNING
        )
        yield CounterMetricFamily("whatsapp_bridge_engine_restarts", "Restarts of the engine", value=engine.restarts)
        yield CounterMetricFamily(
            "whatsapp_bridge_engine_protocol_errors",
            "Notifications of the engine that were not understood",
            value=engine.protocol_errors,
        )

        yield GaugeMetricFamily(
            "whatsapp_bridge_engine_memory_bytes", "Resident memory of the engine", value=engine.memory
        )

        states = gateway.accounts.states()
        accounts = GaugeMetricFamily("whatsapp_bridge_accounts", "Accounts in each state", labels=["state"])
        for state in AccountState:
            accounts.add_metric([state], states[state])
        yield accounts

        record = gateway.accounts.record
        yield _counter(
            "whatsapp_bridge_reconnects", "Connections to WhatsApp that were lost, by why", "reason", record.reconnects
        )
        yield CounterMetricFamily(
            "whatsapp_bridge_connected_seconds",
            "Time that accounts were connected, all together",
            value=record.connected_seconds(now()),
        )

        outbox = gateway.outbox
        yield GaugeMetricFamily("whatsapp_bridge_outbox_messages", "Messages still to be sent", value=outbox.waiting())
        yield GaugeMetricFamily(
            "whatsapp_bridge_accounts_resting", "Accounts that WhatsApp has told to slow down", value=outbox.resting()
        )
        messages = CounterMetricFamily(
            "whatsapp_bridge_messages", "Messages that were settled, by type and how", labels=["type", "status"]
        )
        for (kind, status), count in outbox.settled.items():
            messages.add_metric([kind, status], count)
        yield messages
        yield _counter("whatsapp_bridge_messages_received", "Messages that came in, by type", "type", gateway.received)
        yield _histogram(
            "whatsapp_bridge_send_seconds", "From accepting a message to WhatsApp's acknowledgement", outbox.send_times
        )
        yield _histogram(
            "whatsapp_bridge_acknowledgement_seconds",
            "From handing a message to the engine to WhatsApp's acknowledgement",
            outbox.acknowledgement_times,
        )

        events = {str(kind): gateway.events.published[kind] for kind in EventType}
        yield _counter("whatsapp_bridge_events", "Events by type", "type", events)
        yield _counter(
            "whatsapp_bridge_webhook_calls",
            "Calls of webhooks, by how they ended",
            "outcome",
            gateway.webhooks.outcomes,
        )
        yield GaugeMetricFamily(
            "whatsapp_bridge_event_consumers", "WebSockets that listen", value=gateway.events.consumers
        )


def _counter(name: str, what: str, label: str, counts: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, what, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _histogram(name: str, what: str, durations: Durations) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, what, buckets=durations.cumulative(), sum_value=durations.seconds)


def metrics_registry(gateway: Gateway) -> CollectorRegistry:
    """Returns the gateway's figures together with those of its process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(GatewayCollector(gateway))
    return registry


def render_metrics(registry: CollectorRegistry) -> bytes:
    """Spells the figures in Prometheus' text format."""
    return generate_latest(registry)
