"""What information governance staff see who are not cleared for what is sealed: of one world."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from agents.ig.access import Access
from agents.ig.alike import Comparison
from agents.ig.cases import Cases
from agents.ig.decisions import DecisionLog, Sought
from agents.ig.exemptions import CHOOSE, RELEASE, Choice, Unchosen
from agents.ig.measures import measures
from agents.ig.watch import Watch
from consent.explain import explain
from schemas.people import KnownPractitioner
from streams import topology
from tests.worlds.desk import Desk
from tests.worlds.shown import families

EXPLAINED = 3  # decisions, spread over all: each is explained from its own record alone
SEARCHES = (Sought(most=500), Sought(kind="look"), Sought(ground="s47"), Sought(outcome="hold"))


def officers(desk: Desk) -> Iterator[tuple[str, Any]]:
    """Yield each answer of `hearth ig`, with its name."""
    now = desk.script.end + timedelta(days=1)
    officer = desk.hub.people.practitioner(desk.hub.names.practitioner(*desk.script.cast.officer))
    assert officer is not None
    log = DecisionLog(desk.queries, officer)
    yield "ig search", [(log.search(one), log.counts(one)) for one in SEARCHES]
    every = log.bodies(Sought())
    yield "ig explain", [explain(one) for one in every[:: len(every) // EXPLAINED + 1]]
    yield "ig measures", measures(log, desk.queries, now - timedelta(days=400), now, now + timedelta(days=60))
    yield "ig watch and cases", _queue(desk, log, officer)
    yield "ig access", list(_access(desk, officer))
    desk.project()
    yield "ig search after that", log.search(SEARCHES[0])
    queue = [r.value or b"" for r in desk.hub.trace.topics[topology.IG_CASES]]
    yield "the ig queue", [said for said in queue if b'"log":"sealed"' not in said]


def _queue(desk: Desk, log: DecisionLog, officer: KnownPractitioner) -> Any:
    """What behaviour watch finds, also where an officer who is cleared ran it before."""
    now = desk.script.end
    alike = Comparison(desk.reading, desk.hub._contact, now)
    named, found = _named(desk), []
    for who, their in ((named, DecisionLog(desk.queries, named)), (officer, log)):
        if who is not None:
            cases = Cases(desk.queries, desk, desk.hub.names, who)
            watch = Watch(their, cases, alike)
            found = watch.run((now - timedelta(days=20)).date(), (now + timedelta(days=1)).date(), now)
            desk.project()
    return found, Cases(desk.queries, desk, desk.hub.names, officer).all(now.date())


def _access(desk: Desk, officer: KnownPractitioner) -> Iterator[Any]:
    access, now = Access(desk.reading, desk.queries, officer), desk.script.end
    child = desk.hub.people.identify(desk.hub.names.identifier("nhs-number", desk.script.cast.people[0].nhs, "health"))
    for subject in (*families(desk)[:1], *([child] if child else ())):
        lines = access.weigh(subject, now)
        yield lines
        chosen = {one.decision: Choice(RELEASE) for one in lines or () if one.proposed == CHOOSE}
        for choices in ({}, chosen):
            try:
                yield access.give(subject, "subject", choices, "c_1", now)
            except Unchosen as wrong:
                yield str(wrong)
    for family in families(desk):
        yield access.chronology(family, now)
    if (named := _named(desk)) is not None and child:  # what the family is given, also by one who is cleared
        theirs = Access(desk.reading, desk.queries, named)
        lines = theirs.weigh(child, now)
        chosen = {one.decision: Choice(RELEASE) for one in lines or () if one.proposed == CHOOSE}
        yield lines, theirs.give(child, "subject", chosen, "c_2", now)


def _named(desk: Desk) -> KnownPractitioner | None:
    return desk.hub.people.practitioner(desk.hub.names.practitioner(*desk.script.cast.named))
