"""Files of received messages that the settings want are here before anybody asks; the others are not."""

import json
from pathlib import Path

from tests.gateway.conftest import ALICE, eventually
from tests.gateway.test_with_whatsapp import caller, link
from tests.simulator.client import running_simulator
from tests.stack.bridge import running_bridge


async def test_what_the_settings_want_is_fetched_and_nothing_else(tmp_path: Path) -> None:
    received = tmp_path / "data/received"
    async with (
        running_simulator() as simulator,
        running_bridge(
            tmp_path / "data",
            simulator,
            BRIDGE_MEDIA_FETCH_KINDS=json.dumps(["image"]),
            BRIDGE_MEDIA_FETCH_SIZE="50KB",
            BRIDGE_MEDIA_FETCH_CHATS=json.dumps([ALICE]),
        ) as bridge,
        caller(bridge) as api,
    ):
        await link(api, simulator)
        group = await simulator.add_group("Family", [ALICE])
        async with api.events() as events:
            for content, chat in (
                ({"kind": "document", "media": {"mimetype": "text/plain", "size": 100}}, None),
                ({"kind": "image", "media": {"mimetype": "image/png", "size": 60_000}}, None),
                ({"kind": "image", "media": {"mimetype": "image/png", "size": 100}}, group),
                ({"kind": "image", "media": {"mimetype": "image/png", "size": 200}}, None),
            ):
                await simulator.contact_write(ALICE, content, group=chat)
                await events.next("message.received")
        await eventually(lambda: [file.stat().st_size for file in received.iterdir()] == [200])
