"""The family stage: gate → timeline → risk → alert, over one partition's batch of `family.items`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, partial

from consent.decision import Outcome as Verdict
from consent.seal import Pseudonyms, item_label, unseal
from schemas import records
from schemas.errors import Unsealable
from schemas.ids import FamilyId, PersonId
from schemas.records import Erased, Item, Members, Record, Section, SendSection, Tick
from streams import sealed, topology, waiting
from streams.alert import Alerts
from streams.attendance import Book, counts_as_absence, first_week, possible_since
from streams.due import move_due, take_due
from streams.family_state import Value
from streams.fold import take_item
from streams.identity.directory import Directory
from streams.law import law, overtaken, settled_under
from streams.linking import Linking
from streams.moving import block_of as _block
from streams.moving import erase_section, receive_section, send_section
from streams.outcome import Emit, Outcome, State
from streams.recipients import TIERS, Queue, cleared_queue, lead_or_duty
from streams.risk.evaluate import beyond as _beyond
from streams.risk.evaluate import evaluate
from streams.risk.rules import RuleBook
from streams.sight import Seen, see
from streams.timeline import ATTENDANCE, Entry, Family, names_of, on_day


@dataclass(frozen=True)
class FamilyStage:
    """Pure tools, and the stage itself. `data_key(person, version?)` raises Unsealable when the key was destroyed."""

    linking: Linking
    alerts: Alerts
    rules: RuleBook
    directory: Directory
    pseudonyms: Pseudonyms
    queues: tuple[Queue, ...]
    data_key: Callable[..., tuple[int, bytes]]
    entropy: Callable[[int], bytes]

    @cached_property
    def _counted(self) -> frozenset[str]:
        return self.rules.counted()

    @cached_property
    def _least_sessions(self) -> frozenset[int]:
        return self.rules.least_sessions()

    def __call__(self, batch: Sequence[Record], state: State[Value]) -> Outcome:
        """Work through a partition's batch: fold each record, and settle the families that it touched.

        Never once a batch. After a kill the same records come again in other batches: what is said of them must not
        depend on the cut, or an alert that was told stands for ever, its withdrawal folded in before it was raised.
        """
        return self._work(((record,) for record in batch), state)

    def at_once(self, batch: Sequence[Record], state: State[Value]) -> Outcome:
        """Fold the whole batch, then settle once: for a look, of which nothing is told to anybody else."""
        return self._work((batch,), state)

    def _work(self, steps: Iterable[Sequence[Record]], state: State[Value]) -> Outcome:
        outcome = Outcome()
        loaded: dict[FamilyId, Family] = {}
        for step in steps:
            touched = {one.family: one for record in step for one in self._fold(record, state, loaded, outcome)}
            for family in touched.values():
                self.settle(family, step[0].partition, state, outcome)
        for family in loaded.values():
            state.put(family.family, family)
        return outcome

    def _fold(
        self, record: Record, state: State[Value], loaded: dict[FamilyId, Family], outcome: Outcome
    ) -> list[Family]:
        message = records.decode_family(record.value or b"")
        if isinstance(message, Tick):
            return self._tick(message, record.partition, state, loaded)
        family = self._load(message.family, state, loaded)
        if not isinstance(message, Item):
            family.as_of = sealed.later(family.as_of, message.received_at)
            family.place = max(family.place, record.offset)
        self._take(message, record.offset, family, state, outcome)
        return [family]

    def _load(self, name: FamilyId, state: State[Value], loaded: dict[FamilyId, Family]) -> Family:
        family = loaded.get(name)
        if family is None:
            found = state.get(name)
            family = loaded[name] = found if isinstance(found, Family) else Family(name)
        return family

    def _take(
        self, message: Item | Members | SendSection | Section | Erased, place: int, family: Family,
        state: State[Value], outcome: Outcome,
    ) -> None:  # fmt: skip
        if isinstance(message, Item):
            self._take_item(message, place, family, state, outcome)
        elif isinstance(message, Members):
            if family.members is None or message.version > family.members.version:
                family.members, family.restless = message, True
        elif isinstance(message, SendSection):
            outcome.emits += send_section(message, family, partial(_block, state, family), self.data_key, self.entropy)
        elif isinstance(message, Erased):
            erase_section(message, family, partial(_block, state, family))
        else:
            blocks = partial(_block, state, family)
            outcome.emits += receive_section(message, family, blocks, self.data_key, self.entropy)

    def _take_item(
        self, item: Item, place: int, family: Family, state: State[Value], outcome: Outcome
    ) -> None:
        members = {m.person for m in family.members.members} if family.members else set()
        if item.person in family.gone and item.person not in members:
            # a stale replica sent it here: the resolver knows where the person is now
            outcome.emits.append(Emit(topology.IDENTITY_QUEUE, item.event, records.encode(item)))
            return
        try:
            _, key = self.data_key(item.person, item.key_version)
            facts = records.decode_facts(unseal(key, item.sealed, item_label(item.id, item.key_version)))
        except Unsealable:
            family.erased.add(item.person)
            family.place = max(family.place, place)  # as if it were open: it was, to those who decided on it
            return
        if sealed.wakes(facts):
            family.as_of = sealed.later(family.as_of, item.received_at)
            family.place = max(family.place, place)
        else:
            family.sealed_as_of = sealed.later(family.sealed_as_of, item.received_at)
        carrier = take_item(family, item, facts, partial(_block, state, family))
        if carrier is None:
            return
        if isinstance(carrier, Entry):
            if sealed.registers(facts):
                family.register.apply(carrier.facts, carrier.item, carrier.received_at)
        else:
            self._stir(family, item.person, facts.data, carrier)
        at = family.as_of if sealed.wakes(facts) else sealed.later(family.as_of, family.sealed_as_of)
        decision = self.linking.arrive(family, item.person, facts, item.event, carrier, at or item.received_at)
        outcome.decisions.append(decision)
        if decision.outcome is Verdict.REFER:
            outcome.emits.append(waiting.arrived(self.pseudonyms, item, sealed.is_sealed(facts)))

    def _stir(self, family: Family, person: PersonId, data: dict[str, object], book: Book) -> None:
        """A plain mark matters to the rules when a pupil is absent, while an alert rests on attendance, or when a rate
        may count from this session on."""
        if book.link != Verdict.SHARE:
            return
        layers = {
            s.clearance == sealed.SEALED
            for s in family.alerts.values()
            if s.status == "open" and s.scope in (person, family.family)
        }
        if counts_as_absence(data) or self._enough_now(family, person, str(data["establishment"]), book):
            layers |= {False, True}
        family.restless, family.stirred = family.restless or False in layers, family.stirred or True in layers

    def _enough_now(self, family: Family, person: PersonId, school: str, book: Book) -> bool:
        """Whether the child's sessions there are now as many as a rate needs; contested ones may count or not."""
        if family.as_of is None:
            return False
        since, needed = first_week(on_day(family.as_of)), max(self._least_sessions, default=0)
        if possible_since(book, since, needed) > needed:
            return False
        sections = [s for name in names_of(family, person) if (s := family.sections.get(name)) is not None]
        sure = sum(possible_since(s.books[school], since, needed) for s in sections if school in s.books)
        most = sure + sum(len(s.contested) for s in sections)
        return any(sure <= least <= most for least in self._least_sessions)

    def _tick(
        self, tick: Tick, partition: int, state: State[Value], loaded: dict[FamilyId, Family]
    ) -> list[Family]:
        """Wake the families for which something changes by time alone, up to the tick's day, and by a new law."""
        woken: dict[FamilyId, Family] = {}
        for name in take_due(state, f"due|{partition}", on_day(tick.at)):
            family = woken[name] = self._load(name, state, loaded)
            family.as_of = sealed.later(family.as_of, tick.at)
            family.next_on, family.restless, family.register_version = None, True, ""
        for name in take_due(state, f"due.sealed|{partition}", on_day(tick.at)):
            family = woken[name] = self._load(name, state, loaded)
            family.sealed_as_of = sealed.later(family.sealed_as_of, tick.at)
            family.sealed_next_on, family.stirred = None, True
        for name in overtaken(state, partition, law(self.linking.gate, on_day(tick.at))):
            family = woken[name] = self._load(name, state, loaded)
            if family.as_of is None:
                family.sealed_as_of = sealed.later(family.sealed_as_of, tick.at)
            family.as_of, family.stirred = family.as_of and sealed.later(family.as_of, tick.at), True
        return list(woken.values())

    def settle(self, family: Family, partition: int, state: State[Value], outcome: Outcome) -> None:
        """Ask again what a changed register or law touches, reconcile alerts with what stands, set the next timer."""
        at = family.as_of
        under = settled_under(family, self.linking.gate, on_day(at)) if at else ""
        if at is not None and under != family.register_version:
            self._ask_again(family, at, outcome)
            family.register_version, family.restless = under, True
            self._remind(family, at, outcome)
        if at is not None and family.restless:
            self._alert(family, at, outcome)
            self._set_timer(family, on_day(at), partition, state)
        if family.restless or family.stirred:
            self._settle_sealed(family, partition, state, outcome)
            family.restless = family.stirred = False

    def _settle_sealed(self, family: Family, partition: int, state: State[Value], outcome: Outcome) -> None:
        """The same of the sealed layer, at a time of its own; most families have none."""
        at = sealed.later(family.as_of, family.sealed_as_of)
        if at is None or not _has_sealed(family):
            return
        self._ask_again(family, at, outcome, layer=True)
        self._remind(family, at, outcome, layer=True)
        self._alert_cleared(family, at, outcome)
        self._set_timer(family, on_day(at), partition, state, layer=True)

    def _ask_again(self, family: Family, at: datetime, outcome: Outcome, layer: bool = False) -> None:
        decisions = list(self.linking.again(family, at, layer))
        outcome.decisions += decisions
        outcome.emits += waiting.asked_again(self.pseudonyms, decisions)

    def _alert(self, family: Family, at: datetime, outcome: Outcome) -> None:
        if not family.alerts and not self._may_count(family):
            return
        on = on_day(at)
        base = self._base(family, on)
        findings = evaluate(self.rules, base.sight)
        outcome.extend(self.alerts.reconcile(family, "", base, findings, at))
        more, tier = self._closest(family, base, on)
        if more is not None:
            only = _beyond(evaluate(self.rules, more.sight), findings)
            outcome.extend(self.alerts.reconcile(family, tier, more, only, at))

    def _alert_cleared(self, family: Family, at: datetime, outcome: Outcome) -> None:
        """Tell the queue that is cleared for it, and nobody else, what stands beyond what the others are told."""
        queue, on = cleared_queue(sealed.SEALED, self.queues), on_day(at)
        if queue is None:
            return
        base = self._base(family, on)
        more, _ = self._closest(family, base, on)
        told = [f for seen in (base, more) if seen is not None for f in evaluate(self.rules, seen.sight)]
        every = see(family, self.linking.gate, queue, on)
        only = _beyond(evaluate(self.rules, every.sight), told)
        outcome.extend(self.alerts.reconcile(family, sealed.SEALED, every, only, at))

    def _base(self, family: Family, on: date) -> Seen:
        """What the lead professional, or else the duty queue, may see of the open layer."""
        return see(family, self.linking.gate, sealed.blind(lead_or_duty(family, self.directory, self.queues, on)), on)

    def _closest(self, family: Family, base: Seen, on: date) -> tuple[Seen | None, str]:
        """What a queue may see that is cleared for more than the lead is, where the open layer holds more; its tier."""
        every = (e.facts for s in family.sections.values() for e in s.entries.values())
        tier = max((f.tier for f in every if sealed.raises_closest(f)), key=TIERS.index, default="normal")
        above = TIERS.index(tier) > TIERS.index(base.recipient.clearance)
        queue = cleared_queue(tier, self.queues) if above else None
        return (see(family, self.linking.gate, sealed.blind(queue), on) if queue else None), tier

    def _may_count(self, family: Family) -> bool:
        """Whether the record holds anything that a rule reads: most families' never does, and few records change it."""
        for section in family.sections.values():
            if any(book.link == Verdict.SHARE for book in section.books.values()):
                return True
            for entry in section.entries.values():
                facts = entry.facts
                said = (*facts.signs, facts.type.rpartition(".")[2])
                if facts.type == ATTENDANCE or not self._counted.isdisjoint(said):
                    return True
        return False

    def _remind(self, family: Family, at: datetime, outcome: Outcome, layer: bool = False) -> None:
        ends = self.linking.ends_soon(family, on_day(at), layer)
        if ends is None:
            return
        outcome.emits.append(waiting.hold_ends(self.pseudonyms, family.family, ends, at, layer))

    def _set_timer(self, family: Family, on: date, partition: int, state: State[Value], layer: bool = False) -> None:
        days = [d for d in self.linking.timers(family, layer) if d > on]
        alerts = (s for s in family.alerts.values() if (s.clearance == sealed.SEALED) is layer)
        days += [s.until for s in alerts if s.status == "open" and on < s.until < date.max]
        days += [] if layer else filter(None, [family.register.next_change(on)])
        next_on = min(days, default=None)
        before = family.sealed_next_on if layer else family.next_on
        if next_on == before:
            return
        move_due(state, f"due.sealed|{partition}" if layer else f"due|{partition}", family.family, before, next_on)
        if layer:
            family.sealed_next_on = next_on
        else:
            family.next_on = next_on


def _has_sealed(family: Family) -> bool:
    told = any(s.clearance == sealed.SEALED for s in family.alerts.values())
    return told or any(sealed.is_sealed(e.facts) for s in family.sections.values() for e in s.entries.values())
