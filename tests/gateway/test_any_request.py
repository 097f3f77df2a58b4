"""Requests of any form that the OpenAPI document allows, and that it does not: no fault of ours, no answer that it does not describe.

`ANY_REQUEST_CASES=10000 scripts/test gateway` makes as many, through the real engine and the simulator; `ANY_REQUEST_SEED` makes others.
"""

import asyncio
from collections.abc import Mapping
import json
import os
from pathlib import Path
import re
import sys

import pytest

from tests.gateway.conftest import ALICE, BOB
from tests.gateway.test_with_whatsapp import caller, link
from tests.simulator.client import running_simulator
from tests.stack.bridge import TOKEN, Bridge, running_bridge

CASES = int(os.environ.get("ANY_REQUEST_CASES", "300"))
SEED = int(os.environ.get("ANY_REQUEST_SEED", "20261125"))
EXAMPLES_OF_A_ROUND = 100
"""Requests to each route that takes something, in one run of schemathesis."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)

CONFIG = """
hooks = "{formats}"

[parameters]
"path.account" = "home"
"path.group" = "{group}"
"path.chat" = ["{alice}", "{group}"]

# what others answer, or not in time, is no fault of ours: a URL that leads nowhere, an engine that is being restarted
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 502, 503, 504]

[[operations]]
include-operation-id = "remove_account"
parameters = {{ "path.account" = "no-such-account" }}

[[operations]]
include-operation-id = "unlink_account"
parameters = {{ "path.account" = "no-such-account" }}

[[operations]]
include-operation-id = "leave_group"
parameters = {{ "path.group" = "group:1" }}

[[operations]]
include-operation-id = "add_account"
generation.max-examples = 5
"""


async def requests(bridge: Bridge, config: Path, seed: int, examples: int, environment: Mapping[str, str]) -> int:
    """Runs schemathesis once and returns how many requests it made."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *("--config-file", config, "run", f"{bridge.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {TOKEN}", "--checks", ",".join(CHECKS)),
        *("--max-examples", str(examples), "--seed", str(seed), "--phases", "examples,fuzzing", "--no-color"),
        cwd=config.parent,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    made = re.search(r"(\d+) generated", output)
    assert process.returncode == 0, output
    assert made is not None, output
    return int(made[1])


@pytest.mark.timeout(120 + CASES // 2)
async def test_whatever_is_asked_the_answer_is_described(tmp_path: Path) -> None:
    async with (
        running_simulator() as simulator,
        running_bridge(tmp_path / "data", simulator) as bridge,
        caller(bridge) as api,
    ):
        await link(api, simulator)
        await simulator.add_contact(BOB, "Bob", addressing="lid")
        group = await simulator.add_group("Family", [ALICE, BOB])
        recipients = [ALICE, BOB, "+1 (555) 999-0000", group, "group:1", "lid:123456789", "channel:1", "status"]
        config = tmp_path / "schemathesis.toml"
        formats = Path(__file__).with_name("any_request_formats.py")
        config.write_text(CONFIG.format(group=group, alice=ALICE, formats=formats))
        made, seed = 0, SEED
        examples = min(EXAMPLES_OF_A_ROUND, max(1, CASES // 20))
        while made < CASES:
            made += await requests(bridge, config, seed, examples, {"ANY_REQUEST_RECIPIENTS": json.dumps(recipients)})
            seed += 1
        faults = [line for line in bridge.process.lines if json.loads(line)["level"] == "error"]
        assert faults == []
        assert (await api("GET", "/health/ready")).status == 200
