"""The contracts: pinned for ever, and readable by everyone who read an earlier one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import avro.schema
import pytest

from schemas import avro_files, pins
from schemas.codes import names, vocabulary
from schemas.compatibility import reads_all
from schemas.contract import Contract, contracts, load, written
from schemas.errors import Misconfigured

ALL = sorted(contracts().values(), key=lambda contract: contract.type)
FIRST = {  # ids once given out; a change here breaks every publisher
    "hearth.school.AttendanceRecorded": 1023,
    "hearth.health.EmergencyAttended": 1010,
    "hearth.police.DomesticAbuseIncidentAttended": 1020,
    "hearth.agreement.AgreementGiven": 1001,
    "hearth.social_care.RelationshipStated": 1037,
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(avro_files.FOLDER, tmp_path / "avro")
    return tmp_path / "avro"


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.type)
def test_a_contract_stands_by_itself_and_avro_reads_it(contract: Contract) -> None:
    """What a registry hands out needs no other file."""
    assert avro.schema.parse(json.dumps(contract.schema)).fullname == contract.type


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.type)
def test_a_contract_reads_everything_that_any_earlier_version_wrote(contract: Contract) -> None:
    """BACKWARD_TRANSITIVE, by avro.compatibility."""
    assert reads_all(json.dumps(contract.schema), [json.dumps(v.schema) for v in contract.previous])


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.type)
def test_every_field_says_what_it_is_and_every_code_list_and_sign_exists(contract: Contract) -> None:
    """A publisher can work from the contract alone."""
    assert {coded.codes for coded in contract.coded} <= set(names())
    assert set(contract.signs) <= vocabulary()
    assert all(field["doc"] for record in avro_files.records(contract.schema).values() for field in record["fields"])


def test_some_contract_has_grown() -> None:
    """Otherwise the rule about earlier versions would hold of nothing."""
    grown = {contract.type for contract in ALL if contract.previous}
    assert {"hearth.health.EmergencyAttended", "hearth.police.DomesticAbuseIncidentAttended"} <= grown


def test_ids_are_what_they_were() -> None:
    """An id once given to a schema is its own for ever."""
    ids = {type_: {contracts()[type_].schema_id, *(v.id for v in contracts()[type_].previous)} for type_ in FIRST}
    assert all(first in ids[type_] for type_, first in FIRST.items())
    assert contracts()["hearth.agreement.AgreementGiven"].schema_id == 1038
    assert [version.id for version in contracts()["hearth.health.EmergencyAttended"].previous] == [1009]
    assert len(written()) == sum(1 + len(contract.previous) for contract in ALL)


def test_the_pins_in_the_tree_are_the_ones_its_files_give() -> None:
    """The file is as the function writes it."""
    assert pins.expected() == pins.read()
    assert (avro_files.FOLDER / pins.FILE).read_text() == pins.as_toml(pins.read())


def test_a_schema_changed_without_its_pin_stops_the_hub(copy: Path) -> None:
    """A contract cannot change under an id."""
    path = copy / "school" / "PupilLeftRoll.avsc"
    path.write_text(path.read_text().replace('"destination"', '"destinations"'))
    with pytest.raises(Misconfigured, match=r"hearth\.school\.PupilLeftRoll"):
        load(copy)


def test_a_better_doc_needs_no_new_pin(copy: Path) -> None:
    """Docs may always be improved."""
    path = copy / "school" / "PupilLeftRoll.avsc"
    path.write_text(path.read_text().replace("Where to, as said", "Where the pupil went, as said"))
    assert load(copy)["hearth.school.PupilLeftRoll"].schema_id == contracts()["hearth.school.PupilLeftRoll"].schema_id


def test_a_new_version_gets_the_next_id_and_leaves_the_old_one_alone(copy: Path) -> None:
    """The old file goes to previous/ with its version; the new one gets an id that was never used."""
    name = "hearth.school.PupilLeftRoll"
    old = dict(avro_files.read_all(copy)[name], hearth={"version": 1})
    (copy / "previous" / "PupilLeftRoll.1.avsc").write_text(json.dumps(old))
    path = copy / "school" / "PupilLeftRoll.avsc"
    schema = json.loads(path.read_text())
    schema["fields"].append({"name": "sure", "type": "boolean", "default": True, "doc": "Whether it is certain"})
    path.write_text(json.dumps(schema))
    new = pins.expected(copy)
    (copy / pins.FILE).write_text(pins.as_toml(new))
    contract = load(copy)[name]
    assert contract.version == 2
    assert contract.schema_id == max(pin.id for pin in pins.read()) + 1
    assert contract.previous[0].id == contracts()[name].schema_id


@pytest.mark.parametrize("change", ["", "[[schema]]\nid = 1\n", "not toml ["])
def test_pins_that_cannot_be_read_stop_the_hub(copy: Path, change: str) -> None:
    """No pins, half a pin, no TOML."""
    (copy / pins.FILE).write_text(change)
    with pytest.raises(Misconfigured):
        load(copy)


def test_one_id_for_two_schemas_stops_the_hub(copy: Path) -> None:
    """An id names one schema."""
    text = (copy / pins.FILE).read_text()
    (copy / pins.FILE).write_text(text.replace("id = 1002", "id = 1001"))
    with pytest.raises(Misconfigured, match="twice"):
        load(copy)


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "enum"}'])
def test_a_file_that_is_no_avro_record_stops_the_hub(copy: Path, text: str) -> None:
    """The hub does not start on files that are wrong."""
    (copy / "school" / "New.avsc").write_text(text)
    with pytest.raises(Misconfigured, match=r"New\.avsc"):
        load(copy)
