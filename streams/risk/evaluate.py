"""Work out which combinations stand, from what one audience may see. Pure: the as-of date is an argument.

The same function serves every audience: what rests on a sealed item is worked out for those cleared for it and for
nobody else (design §2.1), by giving it only what they may see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

import msgspec

from schemas.ids import EventKey, FamilyId, ItemId, PersonId
from streams.attendance import Tally, classify, first_week, monday, total
from streams.risk.rules import Derived, Group, Level, Rule, RuleBook
from streams.timeline import Entry, on_day


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact that counts, as cited by an alert. `absent`, `possible`: of a derived sign, in sessions."""

    what: str
    person: PersonId
    agency: str
    on: date
    item: ItemId = ItemId("")
    event: EventKey = EventKey("")
    role: str = ""
    practitioner: str = ""
    victim: str = ""
    alleged: str = ""
    numbers: tuple[tuple[str, int], ...] = ()
    school: str = ""
    absent: int = 0
    possible: int = 0


class Sight(msgspec.Struct):
    """What one audience may see of a family on a day: standing entries, and attendance weeks per child and school."""

    family: FamilyId
    on: date
    entries: list[Entry]
    weeks: Mapping[tuple[PersonId, str], Mapping[int, Tally]]
    children: frozenset[PersonId]
    same: Mapping[PersonId, PersonId] = {}  # who was minted twice → the id that counts


class Finding(msgspec.Struct, frozen=True):
    """A combination that stands. `until` is the first day on which it no longer would, by time alone."""

    rule: Rule
    scope: str
    level: str
    evidence: tuple[Evidence, ...]
    strengths: tuple[Evidence, ...]
    until: date


def evaluate(book: RuleBook, sight: Sight) -> list[Finding]:
    """Return every finding, ordered by rule and scope."""
    facts = [e for entry in sight.entries for e in _evidence(entry, sight.same)]
    facts += [e for d in book.derived for e in _derive(d, sight)]
    strong = (entry for entry in sight.entries if entry.facts.category == "strength")
    strengths = tuple(e for entry in strong for e in _evidence(entry, sight.same))
    found: list[Finding] = []
    for rule in book.rules:
        if rule.effective > sight.on or (rule.until and sight.on >= rule.until):
            continue
        if rule.needs_child and not sight.children:
            continue
        for scope, scoped in _scopes(rule, sight, facts).items():
            finding = _judge(rule, scope, scoped, strengths, sight.on)
            if finding is not None:
                found.append(finding)
    return found


def _evidence(entry: Entry, same: Mapping[PersonId, PersonId]) -> Iterable[Evidence]:
    facts = entry.facts
    roles = {party.role: same.get(party.person, party.person) for party in facts.parties}
    own = PersonId(entry.item.partition(".")[2])
    person = same.get(own, own)
    roles[facts.role] = person
    names = (*facts.signs, facts.type.rpartition(".")[2])
    numbers = tuple((name, v) for name, v in facts.data.items() if type(v) is int)
    for what in names:
        yield Evidence(
            what=what,
            person=person,
            agency=facts.agency,
            on=on_day(facts.happened_at),
            item=entry.item,
            event=entry.event,
            role=facts.role,
            practitioner=str(facts.data.get("practitioner_id", "")),
            victim=roles.get("victim", ""),
            alleged=roles.get("alleged", ""),
            numbers=numbers,
        )


def _derive(derived: Derived, sight: Sight) -> Iterable[Evidence]:
    start = first_week(sight.on)
    today = sight.on.toordinal()
    for (person, school), weeks in sight.weeks.items():
        known = sorted(w for w, tally in weeks.items() if start <= w <= today and tally != (0, 0, 0))
        if derived.over == "school-weeks":
            known = sorted(w for w, tally in weeks.items() if w <= today and tally != (0, 0, 0))[-derived.weeks :]
        possible, absent, unauthorised = total(weeks[w] for w in known)
        counted = absent if derived.of == "absent" else unauthorised
        if possible == 0 or possible < derived.minimum_sessions:
            continue
        if counted >= max(derived.count, 1) and counted >= derived.rate * possible:
            last = min(date.fromordinal(known[-1] + 4), sight.on)
            yield Evidence(derived.sign, person, "school", last, school=school, absent=counted, possible=possible)


def _scopes(rule: Rule, sight: Sight, facts: list[Evidence]) -> dict[str, list[Evidence]]:
    since = sight.on - timedelta(days=rule.window_days)
    counts = rule.counts
    recent = [e for e in facts if e.what in counts and since < e.on <= sight.on and _counted(rule, e)]
    if rule.scope == "household":
        return {sight.family: recent}
    scoped: dict[str, list[Evidence]] = {}
    for evidence in recent:
        if evidence.person in sight.children or not sight.children:
            scoped.setdefault(evidence.person, []).append(evidence)
    return scoped


def _counted(rule: Rule, evidence: Evidence) -> bool:
    return any(_matches(group, evidence) for group in rule.groups)


def _matches(group: Group, evidence: Evidence) -> bool:
    named = evidence.what in group.signs or evidence.what in group.types
    enough = not group.field or dict(evidence.numbers).get(group.field, -1) >= group.minimum
    return named and enough and (not group.roles or evidence.role in group.roles)


Measure = Callable[[Rule, list[Evidence]], tuple[int, list[Evidence]]]


def _by_groups(rule: Rule, facts: list[Evidence]) -> tuple[int, list[Evidence]]:
    """Distinct groups present, each cited by its facts."""
    present = [[e for e in facts if _matches(group, e)] for group in rule.groups]
    return sum(map(bool, present)), [e for group in present for e in group]


def _by_count(rule: Rule, facts: list[Evidence]) -> tuple[int, list[Evidence]]:
    """Distinct events, for the victim (or the scope) with the most."""
    heaps: dict[str, list[Evidence]] = {}
    for evidence in facts:
        heaps.setdefault(evidence.victim if rule.per == "victim" else "", []).append(evidence)
    best = max(heaps.items(), key=lambda kv: (len({e.event for e in kv[1]}), kv[0]), default=("", []))[1]
    return len({e.event for e in best}), best


def _by_repeat(rule: Rule, facts: list[Evidence]) -> tuple[int, list[Evidence]]:
    """Events of the second group after one of the first: same victim, same alleged."""
    first, second = rule.groups
    window = timedelta(days=rule.window_days)
    cited: list[Evidence] = []
    events: set[EventKey] = set()
    for earlier in (e for e in facts if _matches(first, e) and e.victim and e.alleged):
        for later in (e for e in facts if _matches(second, e) and e.event != earlier.event):
            same = (later.victim, later.alleged) == (earlier.victim, earlier.alleged)
            if same and later.what not in first.types and earlier.on <= later.on <= earlier.on + window:
                cited += [earlier, later]
                events.add(later.event)
    return len(events), cited


def _by_match(rule: Rule, facts: list[Evidence]) -> tuple[int, list[Evidence]]:
    """Distinct practitioners who signalled."""
    signals = [e for e in facts if _matches(rule.groups[0], e) and e.practitioner]
    return len({e.practitioner for e in signals}), signals


_MEASURES: dict[str, Measure] = {
    "groups": _by_groups,
    "count": _by_count,
    "repeat": _by_repeat,
    "match": _by_match,
}


def _judge(
    rule: Rule, scope: str, facts: list[Evidence], strengths: tuple[Evidence, ...], on: date
) -> Finding | None:
    level, cited = _level(rule, facts)
    if level is None:
        return None
    known = {e.what for e in strengths if e.on > on - timedelta(days=rule.window_days)}
    softened = not rule.harm and level.level != "watch" and known.intersection(rule.softened_by)
    name = "watch" if softened else level.level
    evidence = tuple(sorted(_once(cited), key=lambda e: (e.on, e.what, e.item, e.person, e.school)))
    return Finding(rule, scope, name, evidence, strengths, _until(rule, cited))


def _level(rule: Rule, facts: list[Evidence]) -> tuple[Level | None, list[Evidence]]:
    reached, cited = _MEASURES[rule.kind](rule, facts)
    if len({e.agency for e in cited}) < rule.agencies:
        return None, []
    levels = [level for level in rule.levels if reached >= level.at_least]
    return (max(levels, key=lambda level: level.at_least), cited) if levels else (None, [])


def _until(rule: Rule, cited: list[Evidence]) -> date:
    """First day on which time alone changes the level: what counted drops out of the window, oldest first."""
    reached, _ = _level(rule, cited)
    remaining = sorted(cited, key=lambda e: e.on)
    while remaining:
        oldest = remaining[0].on
        remaining = [e for e in remaining if e.on > oldest]
        level, _ = _level(rule, remaining)
        if level != reached:
            return oldest + timedelta(days=rule.window_days)
    return date.max


def _once(cited: list[Evidence]) -> list[Evidence]:
    return list(dict.fromkeys(cited))


def weeks_of(
    entries: Iterable[Entry], same: Mapping[PersonId, PersonId]
) -> dict[tuple[PersonId, str], dict[int, Tally]]:
    """Tallies of the attendance entries that stand (contested sessions): the last recorded for a session counts."""
    marks: dict[tuple[PersonId, str, str, str], tuple[object, str]] = {}
    for entry in sorted(entries, key=lambda e: (e.facts.recorded_at, e.event)):
        data = entry.facts.data
        own = PersonId(entry.item.partition(".")[2])
        person = same.get(own, own)
        marks[(person, data["establishment"], data["session_date"], data["session"])] = (entry, data["code"])
    weeks: dict[tuple[PersonId, str], dict[int, Tally]] = {}
    for (person, school, day, _), (_, code) in marks.items():
        on = date.fromisoformat(day)
        p, a, u = classify(code, on)
        book = weeks.setdefault((person, school), {})
        was = book.get(monday(on), (0, 0, 0))
        book[monday(on)] = (was[0] + p, was[1] + a, was[2] + u)
    return weeks


def beyond(findings: list[Finding], base: list[Finding]) -> list[Finding]:
    """Return those findings that the base audience does not have already, just so."""
    known = {(f.rule.id, f.scope, f.level, f.evidence) for f in base}
    return [f for f in findings if (f.rule.id, f.scope, f.level, f.evidence) not in known]
