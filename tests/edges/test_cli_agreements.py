"""`hearth agreement list` and `export` against a running hub: who may read a family's agreements, and what they see."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from agents import hub as running
from agents.demo.teller import Professional
from tests.edges.cli_kit import Shell
from tests.edges.cli_story import Told, people
from tests.edges.test_cli_hub import PLANTED, as_reader, family, hearth, home, hub, told, within

__all__ = ["as_reader", "hearth", "home", "hub", "told"]  # fixtures: a hub of this file's own

COMMON = ("--from", "social-care", "--persons", "-", "--reference", "agreement-1")
SOURCE = ("--source", "hearth:demo/social-care")


def test_a_family_s_agreement_is_read_as_it_stands_as_it_was_known_and_as_a_consent_record(
    as_reader: Callable[[Professional], Shell],
    told: Told,
) -> None:
    """Given, then withdrawn; an instant before that it was not known; each reading is logged before it is shown."""
    shell = as_reader(told.lead)
    name = family(shell, told)
    (one,) = within(lambda: shell("agreement", "list", name, "--json")).data["agreements"]
    assert (one["state"], one["right"], one["reference"]) == ("given", "parental-responsibility", "agreement-1")
    before = datetime.now(UTC).isoformat()
    assert shell("agreement", "withdraw", *COMMON, *SOURCE, "--json", stdin=people(told)).code == 0

    def state(*more: str) -> str:
        (found,) = shell("agreement", "list", name, "--json", *more).data["agreements"]
        return str(found["state"])

    within(lambda: shell("timeline", name, "-p", "early-help"))
    assert state() == "withdrawn"
    assert state("--known-at", before) == "given"
    (record, _) = shell("agreement", "export", name, "--json").data
    assert record["@type"] == "dpv:ConsentRecord"
    assert record["hearth:state"] == "withdrawn"
    identifier = record["dpv:hasIdentifier"].partition(":")[0]
    assert len(shell("agreement", "export", identifier, "--json").data) == 2
    plain = [shell("agreement", "list", name), shell("agreement", "export", name)]
    assert all(said.code == 0 and said.out for said in plain)
    assert not [planted for planted in PLANTED for said in plain if planted in said.out + said.err]


def test_an_agreement_is_narrowed_refused_and_taken_back_at_another_agency_s_desk(
    as_reader: Callable[[Professional], Shell],
    told: Told,
) -> None:
    """The withdrawal names no agreement that the hub has. Who found the child able is told to their lead."""
    shell = as_reader(told.lead)
    name = family(shell, told)
    asked = ("--from", "social-care", "--persons", "-", "--reference", "agreement-7")
    scope = ("--purpose", "early-help", "--recipient", "social-care")
    both = ("--category", "attendance", "--category", "strength", "--capacity", "parental-responsibility")
    assert shell("agreement", "give", *asked, *scope, *both, stdin=people(told)).code == 0

    def of(reference: str) -> dict[str, Any]:
        listed = shell("agreement", "list", name, "--json").data["agreements"]
        return next((one for one in listed if one["reference"] == reference), {})

    assert within_state(of, "agreement-7", "given")["categories"] == ["attendance", "strength"]
    assert shell("agreement", "narrow", *asked, stdin=people(told)).code == 2
    assert shell("agreement", "narrow", *asked, "--category", "strength", stdin=people(told)).code == 0
    assert within_state(of, "agreement-7", "narrowed")["categories"] == ["strength"]
    school = ("--from", "school", "--persons", "-", "--reference", "desk-note-3")
    assert shell("agreement", "withdraw", *school, stdin=people(told)).code == 0
    within_state(of, "agreement-7", "withdrawn")
    own = json.dumps([told.child.said("school", "agreed-by")], default=str)
    able = ("--capacity", "competent-young-person", "--assessed-by", "the school nurse")
    note = ("--from", "school", "--persons", "-", "--reference", "own-note-4")
    assert shell("agreement", "refuse", *note, *able, "--purpose", "early-help", stdin=own).code == 0
    assert within_state(of, "own-note-4", "refused")["competence"][1] == "the school nurse"
    assert "the school nurse" in shell("agreement", "list", name).out


def within_state(of: Callable[[str], dict[str, Any]], reference: str, state: str) -> dict[str, Any]:
    """What is listed of an agreement once it is in that state."""
    until = time.monotonic() + 30
    while (found := of(reference)).get("state") != state and time.monotonic() < until:
        time.sleep(0.3)
    assert found.get("state") == state
    return found


def test_whoever_does_not_work_with_the_family_reads_no_agreement_of_theirs(
    as_reader: Callable[[Professional], Shell], told: Told, hub: running.Hub
) -> None:
    """In the same words as where there is none; and what is no instant, or no agreement, is said."""
    name = family(as_reader(told.lead), told)
    shell = as_reader(told.stranger)
    for command in ("list", "export"):
        said = shell("agreement", command, name, "--json")
        assert (said.code, said.out) == (1, "")
    nowhere = shell("agreement", "list", "f_nosuch", "--json")
    assert (nowhere.code, nowhere.err) == (1, said.err)
    shell = as_reader(told.lead)
    assert shell("agreement", "list", name, "--known-at", "in spring").code == 2
    assert shell("agreement", "export", f"{name}.0000000000000000").code == 1
