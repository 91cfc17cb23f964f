"""Words that stand for a person's, in every place where a publisher can put them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import quote

import msgspec

from agents.demo.teller import Professional, Somebody, Story, nhs_number, upn
from schemas.codec import encode_binary, to_json
from schemas.records import CloudEvent, Record

SURNAME, GIVEN, WORKER = "Quillfeather", "Zephyrantha", "Hortensia Bramblewick"
ADDRESS, POSTCODE, PHONE = "17 Gossamer Wharf", "ZZ99 4QF", "07700900417"
EMAIL, LOCAL = "h.bramblewick@planted.example", "MIS88213377"
CHILD_NHS, MOTHER_NHS, OTHER_NHS = nhs_number(910_001), nhs_number(910_050), nhs_number(910_100)
CHILD_UPN, OTHER_UPN = upn(9_100_001), upn(9_100_050)
NUMBERS = (CHILD_NHS, MOTHER_NHS, OTHER_NHS, CHILD_UPN, OTHER_UPN)
LOCALS = tuple(f"{agency}-{LOCAL}" for agency in ("school", "health", "police", "social-care"))
PLANTED = (SURNAME, GIVEN, WORKER, ADDRESS, POSTCODE, PHONE, EMAIL, *LOCALS, *NUMBERS)
EVERYTHING = f"{GIVEN} {SURNAME}, {ADDRESS}, {POSTCODE}, {PHONE}, {CHILD_NHS}, {CHILD_UPN}, {LOCAL}"
SOURCE = "urn:made-up:planted"
STRUCTURED = "application/cloudevents+json"


class Planting(Story):
    """A story whose people and texts are the planted ones."""

    def person(self, nhs: str, upn: str = "", given: str = GIVEN, local: str = "") -> Somebody:
        born = date(2014, 5, 2) if upn else date(1988, 3, 14)
        return Somebody(given, SURNAME, born, nhs, upn, local, ADDRESS)

    def tell(self, agency: str, type: str, persons: Any, days_ago: int, **data: Any) -> str:  # noqa: A002
        said = super().tell(agency, type, persons, days_ago, **data)
        about = self.events[-1][1].data["about"]
        for person in about["persons"]:
            person |= {"postcode": POSTCODE, "phone": PHONE}
        about["source_reference"] = EVERYTHING
        return said


def planted_story() -> Planting:
    """Return a history in which all that can be free text holds planted words: linked, held, alerted, in review."""
    story = Planting("planted", date.today())
    child, mother = story.person(CHILD_NHS, CHILD_UPN, local=LOCAL), story.person(MOTHER_NHS, given="Philomena")
    brother, stranger = story.person(OTHER_NHS, OTHER_UPN, "Thaddeus"), story.person("", given="Ignatius")
    worker = Professional("social-care", f"{WORKER} {PHONE}")
    story.tell("social-care", "social_care.PractitionerRegistered", [(mother, "self")], 400,
               practitioner=worker.reference(), name=WORKER, job_role="early-help-worker", team="north",
               subscriber="early-help", manager=None, clearance="normal", phone=PHONE, email=EMAIL)  # fmt: skip
    story.relate(child, mother)
    story.agree(mother, child, reference=f"agreement of {EVERYTHING}")
    story.lead(worker, child)
    story.involve(worker, child, f"visits {EVERYTHING}")
    ground = {"claim": "encompass", "rationale": EVERYTHING, "decided_by": WORKER, "condition_reason": ""}
    story.relate(brother, mother)
    story.domestic_abuse(mother, stranger, 12, children=[child], dash=18, ground=ground,
                         agreement_reference=EVERYTHING)  # fmt: skip
    story.events[-1][1].data.update(reference=CHILD_NHS, voice_of_child=EVERYTHING, circumstances=EVERYTHING)
    story.worried(worker, child, 5)
    story.events[-1][1].data["note"] = EVERYTHING
    story.not_brought(child, 9)
    story.not_brought(brother, 9)
    story.missing(child, 4, risk="high")
    story.marks(child, "N", weeks=1)
    story.mark(brother, story.day(6), "AM", "/")
    return story


def muddled() -> Planting:
    """Return an assessment with two people's numbers for one child, and one about a child without any number."""
    story = Planting("muddled", date.today())
    story.assessed(story.person(CHILD_NHS, OTHER_UPN), ["16A"], 3)
    story.assessed(story.person("", given="Ignatius"), ["2B"], 3)
    return story


def everywhere(events: list[tuple[str, CloudEvent]], name: str = "") -> list[tuple[str, CloudEvent]]:
    """Return the events with planted words in id, source and extensions too."""
    return [
        (agency, msgspec.structs.replace(
            event, id=f"{SURNAME}{name}-{CHILD_NHS}-{number}", source=f"{SOURCE}/{quote(ADDRESS)}/{CHILD_UPN}",
            extensions={"subject": EVERYTHING, SURNAME.lower(): LOCAL},
        )) for number, (agency, event) in enumerate(events)
    ]  # fmt: skip


def malformed(event: CloudEvent) -> Iterator[Record]:
    """Yield broken records with planted words where they break."""
    sound = msgspec.structs.replace(encode_binary(event), topic="in.school", key=CHILD_NHS.encode())
    value, headers = sound.value or b"", dict(sound.headers)
    said = to_json(event)

    def broken(value: bytes | None = value, **changed: str) -> Record:
        more = {name.replace("content_type", "content-type"): text.encode() for name, text in changed.items()}
        return msgspec.structs.replace(sound, value=value, headers=tuple((headers | more).items()))

    def structured(changed: Any) -> Record:
        body = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        return msgspec.structs.replace(sound, value=body, headers=(("content-type", STRUCTURED.encode()),))

    yield broken(value[:-3])
    yield broken(value[: value.index(SURNAME.encode()) + 6])
    yield broken(value + EVERYTHING.encode())
    yield broken(EVERYTHING.encode())
    yield broken(value.replace(SURNAME.encode(), SURNAME[:-1].encode() + b"\xff"))
    yield broken(value.replace(SURNAME.encode(), SURNAME[:-1].encode() + b"\0"))
    yield broken(ce_type=f"hearth.school.{SURNAME}{CHILD_NHS}")
    yield broken(ce_time=EVERYTHING)
    yield broken(ce_specversion=EVERYTHING)
    yield broken(ce_id=EVERYTHING * 20)
    yield broken(ce_source=f"{EVERYTHING}\x07")
    yield broken(content_type=f"text/{SURNAME}")
    yield broken(**{f"ce_{SURNAME}": CHILD_NHS})
    yield broken(**{f"ce_{quote(ADDRESS)}": CHILD_NHS})
    yield broken(**{SURNAME: EVERYTHING, "ce_id": ""})
    yield structured(EVERYTHING.encode())
    yield structured(said | {EVERYTHING: EVERYTHING})
    yield structured(said | {"data": said["data"] | {f"{SURNAME}_{CHILD_NHS}": EVERYTHING}})
    yield structured(said | {"data": EVERYTHING})
    for field in ("code", "session", "session_date", "establishment"):
        yield structured(said | {"id": f"{SURNAME}-{field}", "data": said["data"] | {field: [EVERYTHING]}})
        yield structured(said | {"id": f"{SURNAME}-{field}", "data": said["data"] | {field: EVERYTHING}})
    for name in ("birth_date", "role", "identifiers", "sex"):
        person = said["data"]["about"]["persons"][0] | {name: EVERYTHING}
        about = said["data"]["about"] | {"persons": [person]}
        yield structured(said | {"id": f"{SURNAME}-{name}", "data": said["data"] | {"about": about}})
    yield msgspec.structs.replace(sound, topic="in.health")
    yield msgspec.structs.replace(sound, value=None)
