"""Intake: contract, duplicate, conflict; known people's parts sealed and sent on; the rest to the resolver."""

from __future__ import annotations

import msgspec

from consent.seal import unseal
from schemas import codec, samples
from schemas.contract import contracts
from schemas.ids import item_id
from schemas.people import KnownPractitioner
from schemas.records import Record, decode_quarantined
from streams.intake_answers import decode_record, quarantine_label
from streams.topology import FAMILY_ITEMS, IDENTITY_QUEUE, IN_FORWARDED, QUARANTINE, QUARANTINE_SEALED, REVIEW
from tests.core.identity_world import NAMES, NOW, QUARANTINE_KEY, World, event, mark, person, related


def known_pupil() -> World:
    """Return a hub that has met pupil P1."""
    world = World()
    world.take((mark("first", "P1"), "school"))
    world.emits.clear()
    return world


def test_a_known_pupils_mark_goes_to_their_family_sealed() -> None:
    """Once a pupil is known, intake itself sends the mark on, and nothing of it can be read outside the seal."""
    world = known_pupil()
    sent = mark("second", "P1", code="U", said={"family_name": "Ashdown", "given_names": "Robin"})
    world.take((sent, "school"))
    assert [e.topic for e in world.emits] == [FAMILY_ITEMS, "receipts.school"]
    item = world.items()[0]
    pupil = world.who("P1", "school")
    assert (item.id, item.family) == (item_id(world.event_key(sent, "school"), pupil.person), pupil.families[0])
    facts = world.facts(item)
    assert (facts.role, facts.category, facts.purpose, facts.tier) == ("subject", "attendance", "early-help", "normal")
    assert facts.data == {"session_date": "2025-03-12", "session": "AM", "code": "U", "establishment": "100001"}
    assert facts.said is not None
    assert facts.said.family_name == "Ashdown"
    assert not any(b"Ashdown" in e.value or "Ashdown" in e.key for e in world.emits)


def test_an_unknown_pupils_mark_goes_to_the_resolver() -> None:
    """Intake mints nobody."""
    world = World()
    outcome = world.intake([world.record(mark("first", "P1"), "school")], world.seen)
    assert [e.topic for e in outcome.emits] == [IDENTITY_QUEUE, "receipts.school"]
    assert not outcome.people
    assert not outcome.keys


def test_an_event_under_a_foreign_key_is_forwarded_and_only_forwarded() -> None:
    """It comes back under its own key with its origin, and is then as if it had come right."""
    world = known_pupil()
    record = world.record(mark("second", "P1"), "school", key="their-own-key")
    outcome = world.intake([record], world.seen)
    assert [(e.topic, e.key) for e in outcome.emits] == [(IN_FORWARDED, NAMES.event("school /county/school", "second"))]
    assert outcome.emits[0].value == record.value
    assert set(record.headers) <= set(outcome.emits[0].headers)
    world.run([record])
    assert world.items()[0].received_at.timestamp() * 1000 == NOW
    assert world.receipts("school")[0].status == "accepted"


def test_an_event_forwarded_twice_by_a_replay_is_no_duplicate() -> None:
    """What counts is where the publisher put it, not where the hub did."""
    world = known_pupil()
    record = world.record(mark("second", "P1"), "school", key="their-own-key")
    world.run([record])
    world.run([record])
    assert [r.status for r in world.receipts("school")] == ["accepted"]
    assert len(world.items()) == 1


def test_a_publisher_cannot_say_who_they_are_by_a_header() -> None:
    """Only on the hub's own topic does the agency header count; a publisher's is dropped when forwarding."""
    world = World()
    record = world.record(mark("first", "P1"), "school", key="x")
    forged = msgspec.structs.replace(record, headers=(*record.headers, ("hearth_agency", b"police")))
    world.run([forged])
    assert [r.agency for r in world.receipts("school")] == ["school"]
    assert world.receipts("police") == []


def test_a_replay_of_the_same_record_does_nothing() -> None:
    """The same topic, partition and offset with the same content is the record itself, read again."""
    world = known_pupil()
    record = world.record(mark("second", "P1"), "school")
    world.run([record])
    before = list(world.emits)
    world.run([record])
    assert world.emits == before


def test_the_same_event_sent_again_is_a_duplicate() -> None:
    """Its receipt says so under the id of the first, and nothing else comes of it."""
    world = known_pupil()
    world.take((mark("second", "P1"), "school"), (mark("second", "P1"), "school"))
    first, second = world.receipts("school")
    assert (first.status, second.status) == ("accepted", "duplicate")
    assert first.id == second.id
    assert len(world.items()) == 1


def test_other_content_under_a_known_id_is_a_conflict_and_the_first_stands() -> None:
    """The second is quarantined and reported under a receipt of its own; what was accepted stays."""
    world = known_pupil()
    world.take((mark("second", "P1"), "school"), (mark("second", "P1", code="O"), "school"))
    first, second = world.receipts("school")
    assert (first.status, second.status, second.path) == ("accepted", "conflict", "id")
    assert first.id != second.id
    assert second.fix
    assert [q.code for q in world.on(QUARANTINE)] == ["conflict"]
    assert len(world.items()) == 1


def test_the_first_accepted_stands_after_a_conflict_too() -> None:
    """A conflict changes nothing that intake remembers: the first content sent again is a duplicate."""
    world = known_pupil()
    world.take(*[(mark("second", "P1", code=code), "school") for code in ("/", "O", "/")])
    assert [r.status for r in world.receipts("school")] == ["accepted", "conflict", "duplicate"]


def test_an_open_event_under_a_sealed_ones_id_is_as_if_that_were_not_there() -> None:
    """A publisher who lifts a seal by telling it again openly is not told "conflict", and both stand, each apart."""
    world = known_pupil()
    sealed, openly = mark("second", "P1", about_tier="sealed"), mark("second", "P1", code="O")
    world.take((sealed, "school"), (openly, "school"))
    assert [r.status for r in world.receipts("school")] == ["accepted", "accepted"]
    (hidden, shown) = world.items()
    assert hidden.event != shown.event == world.event_key(openly, "school")
    assert world.facts(hidden).known_as == shown.event, "what corrects one of them names it by the id it came with"
    world.take((sealed, "school"), (openly, "school"))
    assert len(world.items()) == 2, "each is known when it comes again"


def test_a_sealed_event_under_an_open_ones_id_is_a_conflict_for_those_cleared_for_it() -> None:
    """The first stands, and the open quarantine holds nothing of the second."""
    world = known_pupil()
    world.take((mark("second", "P1"), "school"), (mark("second", "P1", about_tier="sealed"), "school"))
    assert [r.status for r in world.receipts("school")] == ["accepted", "conflict"]
    assert not world.on(QUARANTINE)
    assert [q.code for q in world.on(QUARANTINE_SEALED)] == ["conflict"]


def test_a_bad_record_is_quarantined_and_the_batch_goes_on() -> None:
    """Unreadable bytes, a wrong code and an impossible publisher stand aside; the good ones arrive."""
    world = known_pupil()
    good = [world.record(mark(f"good{n}", "P1"), "school") for n in range(3)]
    cut = msgspec.structs.replace(good[0], value=(good[0].value or b"")[:9], offset=900)
    wrong = world.record(mark("wrong", "P1", code="@@"), "school")
    foreign = msgspec.structs.replace(world.record(mark("foreign", "P1"), "school"), topic="in.police", offset=901)
    world.run([good[0], cut, good[1], wrong, foreign, good[2]])
    assert len(world.items()) == 3
    aside = world.on(QUARANTINE)
    assert [q.path for q in aside][1:] == ["data.code", "type"]
    assert all(q.problem and q.fix for q in aside)
    assert [r.status for r in world.receipts("school")].count("quarantined") == 2
    assert [r.status for r in world.receipts("police")] == ["quarantined"]


def test_a_quarantined_record_can_be_opened_whole_with_its_key() -> None:
    """A retry needs the record as it came, headers and all; nobody else can read it."""
    world = known_pupil()
    wrong = world.record(mark("wrong", "P1", code="@@", said={"family_name": "Ashdown"}), "school")
    world.run([wrong])
    aside = world.on(QUARANTINE)[0]
    assert decode_record(unseal(QUARANTINE_KEY, aside.sealed, quarantine_label(aside.id))) == wrong
    assert not any(b"Ashdown" in e.value for e in world.emits)


def test_a_quarantined_record_has_one_id_however_often_it_is_read() -> None:
    """Quarantine does not grow by a replay."""
    world = known_pupil()
    wrong = world.record(mark("wrong", "P1", code="@@"), "school")
    world.run([wrong])
    world.run([wrong])
    assert len({q.id for q in world.on(QUARANTINE)}) == 1
    assert len({r.id for r in world.receipts("school")}) == 1


def test_a_record_without_value_or_headers_is_quarantined() -> None:
    """Whatever stands on an agency's topic, intake has an answer."""
    world = World()
    world.run([Record("in.school", None, None, (), 0, 1, NOW), Record("in.school", b"k", b"\x00" * 40, (), 0, 2, NOW)])
    assert [r.status for r in world.receipts("school")] == ["quarantined"] * 2


def test_missing_agreement_evidence_is_a_warning_by_what_was_sent_alone() -> None:
    """A mark for early help without an agreement's reference warns, for a known pupil and an unknown one alike."""
    world = World()
    without, with_one = mark("a", "P1"), mark("b", "P1", about_agreement_reference="EH-1")
    safeguarding = mark("c", "P1", about_purpose="safeguarding")
    world.take((without, "school"), (with_one, "school"), (safeguarding, "school"), (mark("d", "P1"), "school"))
    codes = [[w.code for w in r.warnings] for r in world.receipts("school")]
    assert codes == [["agreement-evidence-missing"], [], [], ["agreement-evidence-missing"]]


def test_a_failing_number_is_kept_as_said_and_never_a_key() -> None:
    """The publisher is told; the pupil is found by the other number."""
    world = known_pupil()
    bad = {"system": "nhs-number", "value": "9990001013"}
    world.take((mark("second", "P1", said={"also": [bad]}), "school"))
    assert world.receipts("school")[0].warnings[0].code == "nhs-number-fails"
    facts = world.facts(world.items()[0])
    assert facts.said is not None
    assert [i.value for i in facts.said.identifiers] == ["P1", "9990001013"]


def test_what_fills_an_empty_field_joins_nobody() -> None:
    """Two pupils whose number is `unknown` are not one pupil."""
    world = World()
    world.take((mark("a", "unknown"), "school"), (mark("b", "0000"), "school"))
    assert world.minted() == []
    assert [r.reason for r in world.on(REVIEW)] == ["no-identifier"] * 2


def test_two_agencies_own_numbers_are_not_one_number() -> None:
    """`P1` at a school and `P1` at social care are different people until something else says otherwise."""
    world = World()
    concern = {"level": "worried", "practitioner": {"agency": "social-care", "id": "sw1"}}
    concern["level"] = samples.sample("hearth.any_agency.ConcernSignalled")["data"]["level"]
    sent = event("hearth.any_agency.ConcernSignalled", "c", [person("subject", "P1")], **concern)
    world.take((mark("a", "P1"), "school"), (sent, "social-care"))
    assert world.who("P1", "school").person != world.who("P1", "social-care").person


def test_a_source_with_ids_per_type_has_keys_per_type() -> None:
    """Where a publisher numbers each type by itself, one id in two types is two events."""
    world = World(["/county/school"])
    left = event(
        "hearth.school.PupilLeftRoll",
        "7",
        [person("subject", "P1")],
        "/county/school",
        establishment="1",
        on="2025-03-12",
    )
    world.take((mark("7", "P1"), "school"), (left, "school"))
    assert [r.status for r in world.receipts("school")] == ["accepted", "accepted"]


def test_everyone_known_in_one_event_has_a_part_of_their_own() -> None:
    """An incident that names three people is three items, each naming the other two by pseudonym."""
    world = World()
    sample = samples.sample("hearth.police.DomesticAbuseIncidentAttended")
    persons = [person("child", "C1"), person("victim", "A1"), person("alleged", "A2")]
    for number in ("one", "two"):
        sent = {
            **sample,
            "id": number,
            "data": {**sample["data"], "about": {**sample["data"]["about"], "persons": persons}},
        }
        world.take((sent, "police"))
    late = world.items()[3:]
    assert len(late) == 3
    for item in late:
        facts = world.facts(item)
        assert item.person not in {p.person for p in facts.parties}
        assert {p.role for p in facts.parties} | {facts.role} == {"child", "victim", "alleged"}


def test_one_person_with_two_roles_is_one_item_and_loses_neither() -> None:
    """The child who is the victim too: one item, the second role beside it."""
    world = World()
    sample = samples.sample("hearth.police.DomesticAbuseIncidentAttended")
    persons = [person("child", "C1"), person("victim", "C1")]
    sample["data"]["about"]["persons"] = persons
    world.take((sample, "police"))
    (item,) = world.items()
    facts = world.facts(item)
    assert (facts.role, [(p.person, p.role) for p in facts.parties]) == ("child", [(item.person, "victim")])


def test_a_correction_names_the_earlier_event_by_its_key() -> None:
    """`corrects` and `retracts` are ids at the same source; past intake they are event keys."""
    world = known_pupil()
    world.take((mark("second", "P1", about_corrects="first"), "school"))
    world.take((mark("third", "P1", about_retracts="second"), "school"))
    second, third = (world.facts(item) for item in world.items())
    assert second.corrects == NAMES.event("school /county/school", "first")
    assert third.retracts == NAMES.event("school /county/school", "second")


def test_a_birth_date_that_does_not_fit_is_never_joined() -> None:
    """Someone took the wrong number: a person decides."""
    world = World()
    world.take((mark("a", "P1", said={"birth_date": "2015-04-12"}), "school"))
    assert len(world.items()) == 1
    world.take((mark("b", "P1", said={"birth_date": "2013-01-02"}), "school"))
    assert len(world.items()) == 1
    assert [r.reason for r in world.on(REVIEW)] == ["identity-conflict"]


def test_a_practitioner_is_named_by_pseudonym() -> None:
    """Staff numbers do not stand in items."""
    world = World()
    sample = samples.sample("hearth.social_care.LeadProfessionalAssigned")
    world.take((sample, "social-care"))
    worker = sample["data"]["practitioner"]
    for item in world.items():
        data = world.facts(item).data
        assert data["practitioner_id"] == NAMES.practitioner(worker["agency"], worker["id"])
        assert "practitioner" not in data


def test_every_sample_is_accepted_and_comes_to_rest() -> None:
    """One event of each type: a receipt each, and an item, a register or a review for what it says."""
    world = World()
    world.people.apply(OFFICER)
    for name, contract in sorted(contracts().items()):
        before = len(world.emits)
        agency = contract.agencies[0] if "social-care" not in contract.agencies else "social-care"
        world.take((samples.sample(name), agency))
        topics = {e.topic for e in world.emits[before:]}
        assert f"receipts.{agency}" in topics, name
        assert QUARANTINE not in topics, name
        assert topics & {FAMILY_ITEMS, REVIEW} or contract.goes == "people", name


RESTRICTED = "hearth.sharing.ProcessingRestricted"
OFFICER = KnownPractitioner(
    samples.sample(RESTRICTED)["data"]["said_by"], 1, "social-care", "ig-officer", "information governance", ""
)


def restriction_refused(agency: str = "social-care", officer: KnownPractitioner = OFFICER, **about: str) -> str:
    """Why a restriction of processing is refused; empty where it is accepted."""
    world, sent = World(), samples.sample(RESTRICTED)
    world.people.apply(officer)
    sent["data"]["about"] |= about
    world.take((sent, agency))
    return next((decode_quarantined(e.value).code for e in world.emits if e.topic.startswith(QUARANTINE)), "")


def test_processing_is_restricted_by_an_information_governance_officer_of_the_agency_and_by_nobody_else() -> None:
    """Whichever way it comes: the officer is registered, there now, and the agency's own."""
    change = msgspec.structs.replace
    assert restriction_refused() == ""
    for nobody in (
        change(OFFICER, role="manager"), change(OFFICER, active=False), change(OFFICER, agency="health"),
        change(OFFICER, practitioner="w_another"),
    ):  # fmt: skip
        assert restriction_refused(officer=nobody) == "not-theirs-to-say"
    assert restriction_refused(agency="health") == "not-theirs-to-say"


def test_a_restriction_is_neither_mended_nor_taken_back_nor_sealed() -> None:
    """It would end without anybody told, or not be acted on by whoever is not cleared."""
    for about in ({"corrects": "earlier"}, {"retracts": "earlier"}, {"tier": "sealed"}):
        assert restriction_refused(**about) == "stands-openly"
    assert restriction_refused(tier="sensitive") == ""


def test_a_relationship_is_always_the_resolvers() -> None:
    """Even between people who are known: only the resolver may change families."""
    world = World()
    world.take((related("r1", "C1", "A1"), "social-care"))
    outcome = world.intake([world.record(related("r2", "C1", "A1"), "social-care")], world.seen)
    assert [e.topic for e in outcome.emits] == [IDENTITY_QUEUE, "receipts.social-care"]


def test_what_intake_remembers_tells_nothing_of_the_event() -> None:
    """Neither ids nor content, nor a hash of it that could be guessed at without the hub's key."""
    world = World()
    sent = mark("pupil-9990001014", "P1")
    world.take((sent, "school"))
    kept = msgspec.json.encode(dict(world.seen)).decode()
    assert "9990001014" not in kept
    assert codec.digest(codec.from_json(sent)) not in kept
