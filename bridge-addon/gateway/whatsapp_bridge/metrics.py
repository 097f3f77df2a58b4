"""What Prometheus is told, read from the parts when it asks."""

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from whatsapp_bridge import __version__
from whatsapp_bridge.engine import EngineState
from whatsapp_bridge.engine_protocol import AccountState
from whatsapp_bridge.events import EventType
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.message import MessageStatus

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

        outbox = gateway.outbox
        yield GaugeMetricFamily("whatsapp_bridge_outbox_messages", "Messages still to be sent", value=outbox.waiting())
        yield GaugeMetricFamily(
            "whatsapp_bridge_accounts_resting", "Accounts that WhatsApp has told to slow down", value=outbox.resting()
        )
        messages = CounterMetricFamily(
            "whatsapp_bridge_messages", "Messages that were settled, by how", labels=["status"]
        )
        for status in MessageStatus:
            if not status.unsettled:
                messages.add_metric([status], outbox.settled[status])
        yield messages
        times = outbox.send_times
        yield SummaryMetricFamily(
            "whatsapp_bridge_send_seconds",
            "From accepting a message to WhatsApp's acknowledgement",
            count_value=times.count,
            sum_value=times.seconds,
        )

        events = CounterMetricFamily("whatsapp_bridge_events", "Events by type", labels=["type"])
        for kind in EventType:
            events.add_metric([kind], gateway.events.published[kind])
        yield events
        yield GaugeMetricFamily(
            "whatsapp_bridge_event_consumers", "WebSockets that listen", value=gateway.events.consumers
        )


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
