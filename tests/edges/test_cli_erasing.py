"""`hearth audit erase` against a running hub (embedded broker): two officers, and a log that verifies afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from agents import hub as running
from agents.bootstrap import open_queries
from agents.demo.teller import Professional
from schemas.ids import FamilyId
from tests.edges.cli_kit import Shell
from tests.edges.cli_story import Told
from tests.edges.test_cli_ig import become, home, hub, looked, told, within  # noqa: F401 fixtures

Become = Callable[[Professional], Shell]


@pytest.fixture
def look(become: Become, told: Told, hub: running.Hub) -> str:  # noqa: F811
    """A look of the lead professional's, as the main log has it."""
    family = looked(become, told)
    queries, until = open_queries(hub.settings), time.monotonic() + 30
    while not (looks := queries.decisions_for(FamilyId(family), "look")) and time.monotonic() < until:
        time.sleep(0.1)
    return looks[0].id


def test_two_officers_erase_an_entry_and_the_log_says_who_and_still_verifies(
    become: Become, told: Told, hub: running.Hub, look: str  # noqa: F811
) -> None:
    """One proposes, another approves; the entry's content is gone, everything else stays, and the reason stands."""
    ann, bea = told.cleared
    hearth = become(told.lead)
    assert hearth("audit", "erase", "propose", look, "-r", "court-order").code == 1
    assert become(told.officer)("audit", "erase", "propose", look, "-r", "court-order").code == 1
    hearth = become(ann)
    assert hearth("audit", "erase", "approve", look).err.strip() == "nobody has proposed it"
    assert hearth("audit", "erase", "propose", look, "-r", "because").code == 1
    proposed = within(lambda: hearth("audit", "erase", "propose", look, "-r", "court-order", "--json")).data
    assert [one["decision"] for one in hearth("audit", "erase", "list", "--json").data] == [look]
    assert "another officer" in hearth("audit", "erase", "approve", look).err
    assert hearth("audit", "verify").code == 0
    hearth = become(bea)
    done = hearth("audit", "erase", "approve", look, "--json")
    assert (done.code, done.data["index"]) == (0, proposed["index"]), done.err
    assert "erased" in hearth("audit", "show", look).err
    why = json.loads(hearth("audit", "show", f"erasure.{proposed['index']}", "--json").out)["decision"]["erases"]
    assert why["reason"] == "court-order"
    assert why["proposed_by"] != why["approved_by"]
    assert hearth("audit", "erase", "approve", look).err.strip() == "erased already"
    whole = hearth("audit", "verify", "--json")
    assert whole.code == 0, whole.err
    assert whole.data[0]["erased"] == 1
    within(lambda: hearth("audit", "erase", "list"))
    assert open_queries(hub.settings).decision(look) is None
    assert hearth("audit", "erase", "propose", f"erasure.{proposed['index']}", "-r", "court-order").code == 1
