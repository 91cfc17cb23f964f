"""Two ids that turn out to be one person, joined where that is certain; else a person decides.

A school said a pupil number, the police an NHS number: two ids for one child, until somebody says both numbers of one
person. Had that come first, there would be one id. So that the order does not matter, the ids are joined when

- the event says a birth date, and it is one that was accepted of every id concerned, and
- nobody would have two numbers of a system in which a person has one: NHS number, permanent UPN. A number that was
  replaced or declared invalid by its issuer does not count, nor one whose saying this event corrects, or corrected. An
  agency's own numbers never count: one child may be in its records twice.

The second of these also holds for a new number of somebody known. A join is an alias: each id keeps its key and its
section, the smallest stands for the others, and families are worked out as if it were the only one.

A join stands when the event that proved it is corrected or taken back: that says what happened was otherwise, and
seldom that the child had another number; and had that event come first, it could not be undone either. What order can
still decide is which event is in review: of two that contradict each other it is the later one; and an event that said
both numbers before a birth date, or the notice of a replaced number, was known waits, though the next one is taken.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from schemas.ids import EventKey, PersonId
from schemas.people import Number
from schemas.records import Facts
from streams.identity.ledger import Ledger
from streams.identity.matching import Said
from streams.intake_names import birth


class Cluster(NamedTuple):
    """Everyone said in an event who is one person, if the event is right, and the ids that stand for them so far."""

    said: list[Said]
    persons: frozenset[PersonId]

    def as_one(self) -> list[Said]:
        """Return them as they are said once they are one person."""
        return [dataclasses.replace(one, found=self.persons and frozenset((min(self.persons),))) for one in self.said]


def clusters(said: Iterable[Said]) -> list[Cluster]:
    """Put together all who are said by one id."""
    found: list[Cluster] = []
    for one in said:
        near = [cluster for cluster in found if cluster.persons & one.found]
        joined = [other for cluster in near for other in cluster.said]
        found = [cluster for cluster in found if cluster not in near]
        found.append(Cluster([*joined, one], one.found.union(*(cluster.persons for cluster in near))))
    return found


def is_certain(ledger: Ledger, event: EventKey, facts: Facts, cluster: Cluster) -> bool:
    """Whether all in the cluster may be one person from now on; so it is when they are already."""
    if len(cluster.persons) > 1 and not _born_on_one_day(ledger, cluster):
        return False
    former = frozenset().union(*(one.former for one in cluster.said))
    new = {
        (system, key)
        for one in cluster.said
        for system, key in one.numbers
        if key not in former and ledger.people.identify(key) is None
    }
    held = Counter(system for system, _ in new)
    for person in cluster.persons:
        numbers = [number for one in ledger.ids(person) for number in ledger.person(one).numbers]
        standing = (n for n in numbers if n.pseudonym not in former and _counts(ledger, n, event, facts))
        held.update({number.system for number in standing})
    return all(count < 2 for count in held.values())


def _born_on_one_day(ledger: Ledger, cluster: Cluster) -> bool:
    return all(
        any(birth(ledger.names, one, said.person) in ledger.person(one).born for one in ledger.ids(person))
        for said in cluster.said
        for person in cluster.persons
    )


def _counts(ledger: Ledger, number: Number, event: EventKey, facts: Facts) -> bool:
    mended = number.corrects == event or (facts.corrects is not None and number.event == facts.corrects)
    return not number.former and not mended and ledger.people.identify(number.pseudonym) != ""


def join(ledger: Ledger, event: EventKey, said: Sequence[Said]) -> bool:
    """Join those whom the event proves to be one; return whether it ever did, so that a replay tells it again."""
    for cluster in clusters(said):
        if len(cluster.persons) > 1:
            _join(ledger, event, cluster.persons)
    ids = {one for each in said for person in each.found for one in ledger.ids(person)}
    return any(ledger.person(one).same_by == event for one in ids)


def _join(ledger: Ledger, event: EventKey, persons: Iterable[PersonId]) -> None:
    ids = sorted(one for person in persons for one in ledger.ids(person))
    first, others = ids[0], tuple(ids[1:])
    work = min((worker for one in ids if (worker := ledger.person(one).practitioner)), default=None)
    for one in others:
        proof = ledger.person(one).same_by or event
        ledger.change(one, same_as=first, same_by=proof, joined=(), practitioner=work)
    ledger.change(first, joined=others, practitioner=work)


def note(ledger: Ledger, event: EventKey, facts: Facts, said: Said, person: PersonId) -> None:
    """Remember the numbers said of a person, of which nobody has two, and which of them was replaced."""
    for system, key in said.numbers:
        if not any(number.pseudonym == key for one in ledger.ids(person) for number in ledger.person(one).numbers):
            number = Number(system, key, event, facts.corrects)
            ledger.change(person, numbers=(*ledger.person(person).numbers, number))
    for one in ledger.ids(person) if said.former else ():
        numbers = ledger.person(one).numbers
        ledger.change(one, numbers=tuple(replace(n, former=n.former or n.pseudonym in said.former) for n in numbers))
