"""Names, addresses and numbers are planted wherever a publisher can put them, and sought in all that the hub writes.

They may stand where plaintext is allowed (`in.<agency>`, `in.forwarded`, `identity.queue`) and inside what is sealed.
They must stand nowhere else, in no form: not in topics, keys, headers, receipts, reasons, answers, logs, nor on disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from hashlib import blake2b, md5, sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import msgspec
import pytest

from consent.sharing import agencies
from schemas.codec import to_json
from streams import topology
from tests.live import outside
from tests.live.planting import (
    ADDRESS,
    CHILD_NHS,
    EVERYTHING,
    PLANTED,
    SOURCE,
    STRUCTURED,
    SURNAME,
    everywhere,
    malformed,
    muddled,
    planted_story,
)
from tests.live.running_hub import RunningHub
from tests.live.searcher import Searcher, forms

pytestmark = pytest.mark.kafka

IN_THE_CLEAR = {*map(topology.inbound, agencies()), topology.IN_FORWARDED, topology.IDENTITY_QUEUE}
FOR_ALL = Searcher(PLANTED)


class Written(NamedTuple):
    """What the hub wrote and said, by place, and what stands on the topics that may hold plaintext."""

    places: dict[str, bytes]
    clear: dict[str, bytes]
    family: str  # the planted child's, to see that a place was really read


def answers(hub: RunningHub) -> list[httpx.Response]:
    """Return what the door answers to planted words, stored and refused, in addresses, headers and bodies."""
    token = hub.token("school", SOURCE)
    event = to_json(everywhere([one for one in planted_story().events if one[0] == "school"])[0][1])
    headers = {"Authorization": f"Bearer {token}", "Content-Type": STRUCTURED}
    body = json.loads(msgspec.json.encode(event))
    bodies = [body, body | {"id": EVERYTHING}, body | {"source": EVERYTHING}, body | {"type": EVERYTHING},
              body | {EVERYTHING: EVERYTHING}, body | {"data": EVERYTHING}, EVERYTHING,
              body | {"data": body["data"] | {"code": EVERYTHING}}, body | {"data": body["data"] | {EVERYTHING: 1}}]
    with httpx.Client(base_url=hub.http, headers=headers, timeout=20) as client:
        found = [client.post("/events", json=one) for one in bodies]
        found += [client.post(f"/events?dry-run&name={quote(EVERYTHING)}", json=one) for one in bodies]
        batch = {"Content-Type": "application/cloudevents-batch+json"}
        found.append(client.post("/events", json=bodies, headers=batch))
        found.append(client.post("/events", content=EVERYTHING))
        found.append(client.post("/events", json=body, headers={"Authorization": f"Bearer {quote(EVERYTHING)}"}))
        found.append(client.post("/events", json=body, headers={"Content-Type": f"text/{SURNAME}"}))
        found.append(client.get(found[0].headers["Location"]))
        words = quote(EVERYTHING, safe="")
        paths = ("receipts", "samples", "subjects", "schemas/ids", "", "config")
        found += [client.get(f"/{path}/{words}") for path in paths]
        found.append(client.post(f"/subjects/{words}/versions", json={"schema": EVERYTHING}))
    assert {202, 207, 400, 401, 404, 415, 422} <= {answer.status_code for answer in found}
    return found


def command(hub: RunningHub, *words: str | Path) -> bytes:
    """Return all that a command says, on both its outputs."""
    hearth = Path(sys.executable).with_name("hearth")
    done = subprocess.run([hearth, *words], env={**os.environ, **hub.environ}, capture_output=True, check=False)
    assert done.returncode in (0, 4), done.stderr.decode()
    return done.stdout + done.stderr


def said_by_commands(hub: RunningHub, folder: Path) -> dict[str, bytes]:
    """Return what commands say of a file of planted words that is named by them too. None shows a family."""
    file = folder / f"{SURNAME} {ADDRESS} {CHILD_NHS}.jsonl"
    events = [to_json(event) for agency, event in everywhere(planted_story().events) if agency == "school"]
    broken = [event | {"data": event["data"] | {"code": EVERYTHING}} for event in events[:3]]
    new = [event | {"id": f"{SURNAME} in a file"} for event in events[:1]]
    lines = [msgspec.json.encode(event) for event in (*events, *broken, *new)] + [EVERYTHING.encode()]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return {
        "hearth publish": command(hub, "publish", file, "--from", "school"),
        "hearth publish --json": command(hub, "publish", file, "--from", "school", "--json", "--dry-run"),
        "hearth quarantine list": command(hub, "quarantine", "list", "--json"),
        "hearth audit verify": command(hub, "audit", "verify"),
    }


@pytest.fixture(scope="module")
def written(hearth: RunningHub, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Plant, let the hub work it through, and gather all that it wrote."""
    events = everywhere(planted_story().events)
    hearth.publish(events)
    hearth.settle()
    hearth.publish([*events[:3], *everywhere(muddled().events, "muddled")])  # duplicates, and what nobody can place
    school = next(event for agency, event in events if agency == "school")
    changed = msgspec.structs.replace(school, data=school.data | {"code": "O"})
    hearth.publish([("school", changed)])  # a conflict
    hearth.write(malformed(school))
    places: dict[str, Any] = {
        f"answer {number}": f"{answer.status_code} {answer.headers}\n".encode() + answer.content
        for number, answer in enumerate(answers(hearth))
    }
    places |= said_by_commands(hearth, tmp_path_factory.mktemp("published"))
    hearth.settle()
    on_topics = outside.topics(hearth)
    places |= {name: held for name, held in on_topics.items() if name not in IN_THE_CLEAR}
    places |= outside.files(hearth.settings.home, tmp_path_factory.mktemp("copies"))
    names, queries = hearth.tools.pseudonyms, hearth.tools.queries
    person = queries.person(queries.identify(names.identifier("nhs-number", CHILD_NHS, "health")) or "")
    return Written(places, {name: on_topics[name] for name in IN_THE_CLEAR}, person.families[0] if person else "")


@pytest.mark.parametrize("text", PLANTED)
def test_the_search_finds_every_form_of_what_is_planted(text: str) -> None:
    """Each form by itself, among other bytes; and those that everyday tools make of it."""
    searcher = FOR_ALL
    for name, form in forms(text):
        assert len(form) < 8 or any(hit[0] == text for hit in searcher.found(b"%4f.." + form + b"zz")), name
    for ahead in range(4):
        assert searcher.found(b'{"v": "' + b64encode(b"a" * ahead + text.encode() + b"b") + b'"}')
    for hashed in (sha256, md5, blake2b):
        assert searcher.found(b"p_" + hashed(text.lower().encode()).hexdigest()[:32].encode())
    assert searcher.found(text.title().swapcase().encode())
    assert not searcher.found(os.urandom(100_000))


def test_the_planted_words_came_in_and_stand_where_plaintext_may(written: Written) -> None:
    """Otherwise a search that finds nothing would say nothing."""
    searcher = FOR_ALL
    found = {text for held in written.clear.values() for text, form in searcher.found(held) if form == "as it is"}
    assert found == set(PLANTED)
    assert searcher.found(written.clear[topology.IN_FORWARDED])
    assert searcher.found(written.clear[topology.IDENTITY_QUEUE])


def test_every_kind_of_place_was_read(written: Written) -> None:
    """The family's own id, which is no secret, is found on topics, in tables, in the log and in the state."""
    searcher = Searcher([written.family])
    found = {place for place, held in written.places.items() if searcher.found(held)}
    assert {topology.FAMILY_ITEMS, topology.DECISIONS, topology.ALERTS, topology.PEOPLE} <= found
    assert "rows of hub/projection.db" in found
    assert "rows of hub/log/main/entries.sqlite" in found
    assert any(place.startswith("hub/log/main/tile/") for place in written.places)
    assert any(place.startswith("state in ") for place in found), "the stages' state"
    assert {"up.txt", "hub/output/desk.log", "hub/output/worker-0.log", "hub/person-keys.db"} <= written.places.keys()
    assert any(place.startswith("hearth-") and place.endswith("-changelog") for place in found)


def test_the_planted_words_gave_what_they_were_to_give(hearth: RunningHub, written: Written) -> None:
    """Linked, alerted, in review, quarantined for many reasons, in conflict: each is a way out for a word."""
    del written
    assert {"quarantined", "conflict", "accepted", "duplicate"} <= {said.status for said in hearth.receipts()}
    assert {"identity-conflict", "no-identifier"} <= {review.reason for review in hearth.reviews()}
    assert any(SURNAME in named.name for alert in hearth.alerts() for named in alert.about)


def test_nothing_that_was_planted_stands_anywhere_else(written: Written) -> None:
    """In no place and in no form."""
    leaks = {place: hits for place, held in written.places.items() if (hits := FOR_ALL.found(held))}
    assert leaks == {}
