"""What docs/capabilities.md says is possible, against what is there. `scripts/test` also looks whether the tests that it names have passed."""

from pathlib import Path
from typing import get_args

import pytest
from whatsapp_bridge.api.message_bodies import MessageBody
from whatsapp_bridge.events import EventType
from whatsapp_bridge.received_content import ReceivedContent

from scripts.capabilities import TABLES, Proof, Row, exists, passed, proved, rows, unproved
from tests.gateway.described import document

CAPABILITIES = rows(TABLES[0])
ROWS = [pytest.param(row, id=f"{table.stem}: {row.what}") for table in TABLES for row in rows(table)]


def kinds(union: object) -> set[str]:
    """The values of `type` of a union of models that it tells apart."""
    return {kind for model in get_args(get_args(union)[0]) for kind in get_args(model.model_fields["type"].annotation)}


@pytest.mark.parametrize("row", ROWS)
def test_the_files_and_tests_that_a_row_names_are_there(row: Row) -> None:
    assert [file for file in row.files if not file.exists()] == []
    assert [proof for proof in row.proofs if not exists(proof)] == []


@pytest.mark.parametrize("row", [pytest.param(row, id=row.what) for row in CAPABILITIES])
def test_what_a_row_calls_possible_has_a_proof(row: Row) -> None:
    assert row.cells[0] in {"yes", "no"}
    assert row.proofs or row.cells[0] == "no"


@pytest.mark.parametrize(
    ("prefix", "there"),
    [
        ("send", kinds(MessageBody)),
        ("receive", kinds(ReceivedContent)),
        ("event", set(EventType)),
        (
            "route",
            {operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()},
        ),
    ],
)
def test_all_that_is_there_has_a_row_and_no_row_names_more(prefix: str, there: set[str]) -> None:
    named = {name for row in CAPABILITIES for name in row.called if name.startswith(f"{prefix}:")}
    assert named == {f"{prefix}:{name}" for name in there}


REPORT = """<testsuites><testsuite>
<testcase classname="tests.gateway.test_media" name="test_good[1]"/>
<testcase classname="tests.gateway.test_media" name="test_good[2]"/>
<testcase classname="tests.gateway.test_media" name="test_half[1]"/>
<testcase classname="tests.gateway.test_media" name="test_half[2]"><failure/></testcase>
<testcase classname="tests.gateway.test_media" name="test_skipped"><skipped/></testcase>
<testcase classname="test" name="a poll: its options" file="/somewhere/tests/engine/sending.test.ts"/>
</testsuite></testsuites>"""


def test_a_test_that_failed_or_was_skipped_or_did_not_run_proves_nothing(tmp_path: Path) -> None:
    tmp_path.joinpath("gateway.xml").write_text(REPORT)
    results = passed(tmp_path)
    media = results["gateway/test_media.py"]
    assert {name for name in media if proved(Proof("gateway/test_media.py", name), media)} == {"test_good"}
    assert not proved(Proof("gateway/test_media.py", None), media)
    assert not proved(Proof("gateway/test_media.py", "test_that_is_gone"), media)
    assert proved(Proof("engine/sending.test.ts", "a poll: its options"), results["engine/sending.test.ts"])
    assert any("test_a_picture_by_its_address" in line for line in unproved(results))
    assert not any("integration/" in line for line in unproved(results)), "a part that was not run is not judged"
