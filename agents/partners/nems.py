"""NHS National Events messages (FHIR STU3 XML): births, deaths, changes of address and of practice.

In a birth message the routing demographics and the Communication's subject are the mother; the baby is found through
RelatedPerson alone. Only `lastUpdated` orders messages. A delete may have no Patient: its NHS number stands in the
header.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

import msgspec

from agents.partners import dates
from agents.partners.markup import whole
from agents.partners.nems_message import Message, message_in, no
from agents.partners.nems_patient import find, person, practice, routed, value
from agents.partners.source import Source
from agents.partners.taken import Options, Read, Taken, Unused
from schemas.records import Remark

_STEM = re.compile(r"(?P<stem>[a-z][a-z-]*[a-z])-\d+")
_STILLBORN = "237364002"  # SNOMED CT, the Observation in a birth message; its value 1 is a live birth


def read(source: Source, agency: str, options: Options) -> Read:  # noqa: ARG001 (every reader has this form)
    """Yield what the message says in the hub's words, or why it says nothing."""
    try:
        yield from _events(message_in(whole(source), options))
    except Unused as unused:
        yield unused.problem


def _events(message: Message) -> list[Taken]:
    stem = _STEM.fullmatch(message.kind)
    make = _KINDS.get(stem["stem"]) if stem else None
    if make is None:
        raise no(
            "MessageHeader.event", "message-not-used", "The hub has no use for this kind of message", "Nothing to do"
        )
    if not value(message.header, "id"):
        raise no("MessageHeader.id", "missing", "The message has no id", "Send the id it was made with")
    return make(message)


def _birth(message: Message) -> list[Taken]:
    if message.action == "delete":
        raise no(
            "MessageHeader",
            "message-not-used",
            "A birth that was taken back is not worked out by the hub",
            "Tell the hub's people: the relationship must be taken back by hand",
        )
    if any(
        _code(o) == _STILLBORN and value(o, "valueCodeableConcept", "coding", "code") != "1"
        for o in message.all("Observation")
    ):
        raise no("Observation", "message-not-used", "There is no living child to record", "Nothing to do")
    subjects = [value(c, "subject", "reference") for c in message.all("Communication")]
    mother = next((message.resources[s] for s in subjects if s in message.resources), None)
    babies = [message.resources.get(value(r, "patient", "reference")) for r in message.all("RelatedPerson")]
    found = [baby for baby in babies if baby is not None and baby is not mother]
    if not found:
        raise no(
            "RelatedPerson", "no-person", "No RelatedPerson leads to the baby", "Send RelatedPerson and its Patient"
        )
    carer, _ = (
        person(mother, "adult", message.remarks)
        if mother is not None
        else (routed(message.header, "adult", message.remarks), "")
    )
    return [event for number, baby in enumerate(found) for event in _born(message, baby, carer, number)]


def _born(message: Message, baby: Element, mother: dict[str, Any], number: int) -> list[Taken]:
    """The relationship and the child's first record; twins of one message have ids of their own."""
    infant, tier = person(baby, "child", message.remarks)
    born = dates.midnight(infant["birth_date"]) if infant["birth_date"] else message.happened
    related = message.make(
        "hearth.social_care.RelationshipStated",
        [infant, mother],
        born,
        tier,
        relationship="mother",
        same_household=True,
        since=infant["birth_date"],
        until=None,
    )
    record = message.make("hearth.health.DemographicsChanged", [{**infant, "role": "patient"}], born, tier, changed=[])
    return [_suffixed(related, f"mother{number or ''}"), _suffixed(record, f"child{number or ''}")]


def _suffixed(taken: Taken, suffix: str) -> Taken:
    """Two events of one message need two ids, and what corrects one of them must name it."""
    event = taken.event
    about = dict(event.data["about"])
    about["corrects"] = about["corrects"] and f"{about['corrects']}/{suffix}"
    event = msgspec.structs.replace(event, id=f"{event.id}/{suffix}", data={**event.data, "about": about})
    return msgspec.structs.replace(taken, event=event, where=f"MessageHeader, {suffix}")


def _about(message: Message) -> tuple[dict[str, Any], str, Element | None]:
    patients = message.all("Patient")
    who, tier = (
        person(patients[0], "patient", message.remarks)
        if patients
        else (routed(message.header, "patient", message.remarks), "normal")
    )
    if not who["identifiers"]:
        raise no("Patient.identifier", "no-person", "Nothing says whom the message is about", "Send an NHS number")
    return who, tier, patients[0] if patients else None


def _death(message: Message) -> list[Taken]:
    who, tier, patient = _about(message)
    status = find(patient, "DeathNotificationStatus", "code") if patient is not None else ""
    if status not in ("1", "2", "U"):
        message.remarks.append(
            Remark(
                "Patient.extension",
                "not-said-by-signal",
                "How formal the notice is is not said; taken as informal",
                "Send DeathNotificationStatus",
            )
        )
    on = dates.said(value(patient, "deceasedDateTime"))
    return [
        message.make(
            "hearth.health.PersonDied",
            [who],
            None,
            tier,
            on=on.day if on else None,
            notification=status if status in ("1", "2", "U") else "1",
        )
    ]


def _gp(message: Message) -> list[Taken]:
    who, tier, patient = _about(message)
    hidden = tier != "normal"
    start = dates.said(find(patient, "RegistrationDetails", "start") if patient is not None else "")
    return [
        message.make(
            "hearth.health.GpChanged",
            [who],
            None,
            tier,
            practice=None if hidden else practice(patient),
            on=start.day if start else None,
        )
    ]


def _address(message: Message) -> list[Taken]:
    who, tier, _ = _about(message)
    return [message.make("hearth.health.DemographicsChanged", [who], None, tier, changed=["address"])]


def _record(message: Message) -> list[Taken]:
    who, tier, _ = _about(message)
    return [message.make("hearth.health.DemographicsChanged", [who], None, tier, changed=[])]


_KINDS = {
    "pds-birth-notification": _birth,
    "pds-death-notification": _death,
    "pds-change-of-gp": _gp,
    "pds-change-of-address": _address,
    "pds-record-change": _record,
}


def _code(observation: Element) -> str:
    return value(observation, "code", "coding", "code")
