"""A hub's people and families as content that can be compared: by what the publishers call things, without one of the
hub's own ids. Two hubs that were told the same have the same content, whatever happened to them on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agents.rehearsal import TYPED_SOURCES
from consent.seal import Pseudonyms
from schemas.ids import EventKey, FamilyId, PersonId
from schemas.records import CloudEvent, Identifier
from streams.attendance import Block, short
from streams.identity.directory import People
from streams.intake import tier_of
from streams.intake_names import event_key, every_id, look_up_key
from streams.sealed import filed_as
from streams.timeline import Family, Section
from tests.live.hub_feed import Told, natural

Contents = dict[str, dict[str, Any]]


class Lexicon:
    """From one hub's pseudonyms back to what the publishers said."""

    def __init__(self, names: Pseudonyms, told: Iterable[Told]) -> None:
        self._names = names
        self.events: dict[bytes, str] = {}
        self.people: dict[str, str] = {}  # look-up key → person
        self._workers: dict[str, str] = {}
        for agency, event in told:
            self.events[short(self.key(agency, event))] = f"{event.source} {event.id}"
            for said in event.data["about"]["persons"]:
                self._add_person(agency, said)
            for worker in (event.data.get("practitioner"), event.data.get("manager")):
                if worker:
                    known = names.practitioner(worker["agency"], worker["id"])
                    self._workers[known] = f"{worker['agency']} {worker['id']}"

    def key(self, agency: str, event: CloudEvent) -> EventKey:
        """Return what the event is filed under."""
        key = event_key(self._names, TYPED_SOURCES, agency, event.source, event.id, event.type)
        return filed_as(self._names, key, tier_of(event))

    def event(self, key: EventKey | str) -> str:
        return self.events[short(EventKey(key))] if key else ""

    def worker(self, known: str) -> str:
        """Return a practitioner by their agency's own number; a duty queue by its name."""
        return self._workers.get(known, known)

    def _add_person(self, agency: str, said: dict[str, Any]) -> None:
        name = natural(said)
        for one in said["identifiers"] if name else ():
            key = look_up_key(self._names, agency, Identifier(one["system"], one["value"]))
            known = self.people.setdefault(key or "", name)
            assert known == name, "the made-up people share a number: the run says nothing"


@dataclass
class World:
    """What one hub knows: its record of people, every family's state, and the attendance beside it."""

    lexicon: Lexicon
    people: People
    families: dict[FamilyId, Family]
    blocks: dict[str, Block]

    def __post_init__(self) -> None:
        self.persons: dict[PersonId, str] = {}
        for key, name in self.lexicon.people.items():
            person = self.people.identify(key)  # type: ignore[arg-type]
            for one in every_id(self.people, person) if person else ():
                assert self.persons.setdefault(one, name) == name, "two people were taken for one"

    def homes(self) -> dict[str, set[FamilyId]]:
        """Return the families that each person is in, by all their ids."""
        found: dict[str, set[FamilyId]] = {}
        for person, name in self.persons.items():
            known = self.people.person(person)
            found.setdefault(name, set()).update(known.families if known else ())
        return found

    def items(self) -> Counter[tuple[FamilyId, str, str]]:
        """Count (family, person, event) over all that stands in families' records, slots of attendance too."""
        found: Counter[tuple[FamilyId, str, str]] = Counter()
        for family in self.families.values():
            for own, section in family.sections.items():
                name = self.persons.get(own, own)
                found.update((family.family, name, one["event"]) for one in self._entries(section))
                found.update((family.family, name, event) for _, event in self._slots(family, own, section))
        return found

    def contents(self) -> Contents:
        """Return every family's content, by the names of its members."""
        found: Contents = {}
        for family in self.families.values():
            if family.sections or any(sent.status == "open" for sent in family.alerts.values()):
                name = self.name(family.family)
                assert name not in found, f"two families of the same members: {name}"
                found[name] = self._content(family)
        return found

    def name(self, family: FamilyId) -> str:
        known = self.people.family(family)
        members = {self.persons[member.person] for member in known.members} if known else set()
        if members:
            return " ".join(sorted(members))
        return "dissolved " + " ".join(sorted(self.persons.get(p, p) for p in self.families[family].sections))

    def _content(self, family: Family) -> dict[str, Any]:
        persons: dict[str, dict[str, Any]] = {}
        for own, section in family.sections.items():
            about = persons.setdefault(self.persons.get(own, own), {"items": [], "weeks": {}, "books": []})
            about["items"] += self._entries(section)
            for school, event in self._slots(family, own, section):
                about["items"].append({"event": event, "school": school})
            for school, book in section.books.items():
                if any(self._slots_of(family, own, book.number, book.months)):
                    about["books"].append([school, str(book.link), self.lexicon.event(book.rests_on), book.ended])
                for week, tally in book.weeks.items():
                    _add(about["weeks"], f"{school} {week}", tally)
        for about in persons.values():
            about["items"].sort(key=repr)
            about["books"] = sorted({repr(book) for book in about["books"]})
            about["weeks"] = {week: tally for week, tally in sorted(about["weeks"].items()) if any(tally)}
        everyone = dict(sorted(persons.items()))
        return {"members": self._members(family), "persons": everyone, "alerts": self._alerts(family)}

    def _entries(self, section: Section) -> Iterator[dict[str, Any]]:
        for entry in section.entries.values():
            yield {
                "event": self.lexicon.event(entry.event), "link": str(entry.link), "ended": entry.ended,
                "rests_on": self.lexicon.event(entry.rests_on),
            }  # fmt: skip

    def _slots(self, family: Family, person: PersonId, section: Section) -> Iterator[tuple[str, str]]:
        for school, book in section.books.items():
            for raw in self._slots_of(family, person, book.number, book.months):
                yield school, self.lexicon.events[raw[-8:]]

    def _slots_of(self, family: Family, person: PersonId, book: int, months: Iterable[str]) -> Iterator[bytes]:
        for month in months:
            block = self.blocks.get(f"{family.family}/{person}/{book}/{month}")
            yield from block.slots.values() if block else ()

    def _members(self, family: Family) -> list[str]:
        members = family.members.members if family.members else ()
        return sorted(
            f"{self.persons[m.person]} {m.role} {m.home} {m.since} {m.until}" for m in members if m.same_as is None
        )

    def _alerts(self, family: Family) -> list[str]:
        found = []
        for key, sent in family.alerts.items():
            scope = self.persons.get(PersonId(sent.scope), "family")
            if sent.status == "open":
                audience, to = key.partition("|")[0], self.lexicon.worker(sent.recipient)
                found.append(f"{audience}|{sent.rule}|{scope}: {sent.level} to {to}")
        return sorted(found)


def _add(into: dict[str, tuple[int, ...]], name: str, tally: Iterable[int]) -> None:
    into[name] = tuple(a + b for a, b in zip(into.get(name, (0, 0, 0)), tally, strict=True))


def differing(found: Contents, due: Contents) -> list[str]:
    """Return one line for each family whose content is not what it should be: where, what is there and what is due."""
    lines = []
    for name in sorted(found.keys() | due.keys()):
        if name not in found or name not in due:
            lines.append(f"{name}: {'missing' if name in due else 'not due'}")
        elif found[name] != due[name]:
            parts = [part for part in due[name] if found[name][part] != due[name][part]]
            lines.append(f"{name}: {'; '.join(_how(part, found[name][part], due[name][part]) for part in parts)}")
    return lines


def _how(part: str, found: Any, due: Any) -> str:
    there, wanted = Counter(_flat(found)), Counter(_flat(due))
    return f"{part} has {list((there - wanted).elements())[:4]}, lacks {list((wanted - there).elements())[:4]}"


def _flat(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [f"{name}/{one}" for name, inner in value.items() for one in _flat(inner)]
    return [one if isinstance(one, str) else repr(one) for one in value] if isinstance(value, list) else [repr(value)]
