"""What is sealed and waits, against a running hub: shown to those cleared for it, and to nobody else, nor by its id."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from agents import hub as running
from agents.demo.teller import Professional, Story
from agents.settings import Settings
from schemas.codec import to_json
from tests.edges.cli_kit import Shell


class Office:
    """A hub, the story that was published to it, and two officers of information governance, of whom one is cleared."""

    def __init__(self, shell: Shell, folder: Path) -> None:
        self.shell, self.folder, self.sent = shell, folder, 0
        self.story = Story("sealed commands", date(2026, 6, 30))
        self.mia = self.story.child("Mia", "2014-05-02")
        self.plain = self.story.professional("social-care", "ig-officer")
        self.cleared = self.story.professional(
            "social-care", "ig-officer", subscriber="named-professional", clearance="sealed"
        )

    def publish(self) -> None:
        for agency, event in self.story.events[self.sent :]:
            file = self.folder / f"{self.sent}.jsonl"
            file.write_bytes(msgspec.json.encode(to_json(event)) + b"\n")
            self.shell("publish", file, "--from", agency, "--wait", "60")
            self.sent += 1

    def becomes(self, worker: Professional) -> Shell:
        issued = until(lambda: self.shell("practitioner", "token", "-a", worker.agency, "--number", worker.id).out)
        self.shell.environ(HEARTH_TOKEN=issued.strip())
        return self.shell


def until(ask: Callable[[], str], seconds: float = 30.0) -> str:
    """Ask until something is answered: what is read follows what is written by a moment."""
    end = time.monotonic() + seconds
    while not (said := ask()) and time.monotonic() < end:
        time.sleep(0.3)
    return said


def only(hearth: Shell, what: str) -> dict[str, str]:
    """Return the one thing that waits there, once it does."""
    until(lambda: hearth(what, "list", "--sealed", "--json").out.strip("[]\n "))
    (found,) = hearth(what, "list", "--sealed", "--json").data
    return found


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Office]:
    started = running.start(Settings.load({"HEARTH_HOME": str(tmp_path / "home"), "HEARTH_STORE": "memory"}))
    try:
        shell = Shell(monkeypatch, capsys)
        shell.environ(HEARTH_HOME=str(tmp_path / "home"))
        yield Office(shell, tmp_path)
    finally:
        started.stop()


def test_what_is_sealed_and_waits_is_for_those_cleared_and_can_be_looked_at_again(office: Office) -> None:
    """A sealed event of a child nobody knew, and another under its id; then the child becomes known."""
    office.story.missing(office.mia, 3, risk="high", tier="sealed")
    agency, event = office.story.events[-1]
    office.story.events.append((agency, msgspec.structs.replace(event, data={**event.data, "risk": "low"})))
    office.publish()
    hearth = office.becomes(office.cleared)
    waiting, aside = (only(hearth, what) for what in ("review", "quarantine"))
    assert waiting["reason"] == "sealed-unknown"
    assert hearth("quarantine", "show", aside["id"], "--sealed").code == 0

    hearth = office.becomes(office.plain)
    assert hearth("review", "list", "--json").data == hearth("quarantine", "list", "--json").data == []
    for command in (("review", "list"), ("quarantine", "list"), ("review", "again", waiting["id"])):
        assert hearth(*command, "--sealed").code == 1
    for command in (("quarantine", "show", aside["id"]), ("quarantine", "retry", aside["id"]),
                    ("review", "again", waiting["id"])):  # fmt: skip
        said = hearth(*command)
        assert (said.code, said.out) == (1, ""), "as an id that there is not"

    office.story.strength("police", office.mia, 2, "attendance-recovered")
    office.publish()
    hearth = office.becomes(office.cleared)
    assert hearth("review", "again", waiting["id"], "--sealed").code == 0
    category = ("ig", "search", "--json")

    def found() -> str:
        return "missing" if any(one["category"] == "missing" for one in hearth(*category).data["decisions"]) else ""

    assert until(found), "its item is decided, now that it is known whose it is"
    hearth = office.becomes(office.plain)
    assert not any(one["category"] == "missing" for one in hearth(*category).data["decisions"])
