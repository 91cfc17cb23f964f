"""What Avro cannot say: codes valid on their day, dates that can be, people named, identifiers that pass their check.

Compiled once per contract, for this runs on every event. A fault that makes the event unusable is a `Refusal`; what
its publisher should mend, and the hub can live with, is a `Remark`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from schemas import avro_files
from schemas.cloudevents import unknown_type
from schemas.codes import CodeList, code_list
from schemas.contract import Contract, contracts
from schemas.errors import Refusal
from schemas.fields import british_day, inside
from schemas.records import CloudEvent, Remark
from schemas.remarks import remarks

# Who may see what rests on these: a role or a clearance is for the practitioner's own agency to give.
_REGISTRATIONS = frozenset(("hearth.social_care.PractitionerRegistered", "hearth.social_care.PractitionerChanged"))
_DAY = timedelta(days=1)
_YEARS = (1900, 2100)

About = dict[str, Any]
Run = Callable[[Any, dict[str, Any], About], None]  # (value, the record it stands in, the event's `about`)


def check(event: CloudEvent, agency: str) -> list[Remark]:
    """Return what `agency` should mend in `event`. Raises `Refusal` where the event cannot be used at all."""
    contract = contracts().get(event.type)
    if contract is None:
        raise unknown_type(event.type)
    if agency not in contract.agencies:
        fix = f"Types that {agency} may publish are listed by `hearth schemas check`"
        raise Refusal("type", "not-your-type", f"{agency} does not publish this type", fix)
    if contract.type in _REGISTRATIONS and event.data["practitioner"]["agency"] != agency:
        fix = "Publish your own agency's practitioners; each agency registers its own"
        raise Refusal("data.practitioner.agency", "not-yours", "it is another agency's practitioner", fix)
    about: About = event.data["about"]
    _check_about(about, contract, event.id)
    try:
        _checker(event.type)(event.data, event.data, about)
    except Refusal as refusal:
        raise inside("data", refusal) from None
    return remarks(event)


def _check_about(about: About, contract: Contract, own_id: str) -> None:
    if len(about["persons"]) < contract.persons:
        fix = "Name each person in the event, with every number your agency has for them"
        raise Refusal("data.about.persons", "no-person", f"it names fewer than {contract.persons} people", fix)
    if about["happened_at"] > about["recorded_at"] + _DAY:
        fix = "Check both; an event is recorded after it happened"
        raise Refusal("data.about.happened_at", "impossible-date", "it is later than when it was recorded", fix)
    corrects, retracts = about["corrects"], about["retracts"]
    if corrects is not None and retracts is not None:
        fix = "Retract the earlier event, or correct it, not both"
        raise Refusal("data.about.retracts", "corrects-and-retracts", "it both corrects and retracts", fix)
    if own_id in (corrects, retracts):
        path = "data.about.corrects" if corrects is not None else "data.about.retracts"
        raise Refusal(path, "mends-itself", "it names its own id", "Name the id of the earlier event")


# ------------------------------------------------------------------ refusals, compiled from the schema


@lru_cache(maxsize=256)
def _checker(type: str) -> Run:  # noqa: A002
    schema = contracts()[type].schema
    return _compile(schema, avro_files.records(schema)) or _nothing


def _nothing(_: Any, __: dict[str, Any], ___: About) -> None:
    return None


def _compile(schema: Any, named: dict[str, Any]) -> Run | None:
    if isinstance(schema, list):
        return _optional(_compile(avro_files.plain(schema, named), named))
    kind = avro_files.plain(schema, named)
    if kind["type"] == "record":
        return _record([(f["name"], _field(f, named)) for f in kind["fields"]])
    if kind["type"] == "array":
        return _array(_compile(kind["items"], named))
    return _possible if kind.get("logicalType") else None


def _field(field: dict[str, Any], named: dict[str, Any]) -> Run | None:
    if field["name"] == "birth_date":
        return None  # a mistaken birth date is no reason to lose the event: `remarks` has it
    if "range" in field:
        return _optional(_in_range(*field["range"]))
    if "not_after" in field:
        return _not_after(field["not_after"])
    if "codes" not in field:
        return _compile(field["type"], named)
    run = _code(code_list(field["codes"]), field.get("dated_by", ""), field.get("default") == "")
    return _array(run) if avro_files.plain(field["type"], named)["type"] == "array" else _optional(run)


def _optional(run: Run | None) -> Run | None:
    return (lambda value, record, about: None if value is None else run(value, record, about)) if run else None


def _record(found: list[tuple[str, Run | None]]) -> Run | None:
    checks = [(name, run) for name, run in found if run]

    def check_record(value: dict[str, Any], _: dict[str, Any], about: About) -> None:
        for name, run in checks:
            try:
                run(value[name], value, about)
            except Refusal as refusal:
                raise inside(f".{name}", refusal) from None

    return check_record if checks else None


def _array(run: Run | None) -> Run | None:
    def check_array(value: list[Any], record: dict[str, Any], about: About) -> None:
        for number, element in enumerate(value):
            try:
                run(element, record, about)  # type: ignore[misc]  # only returned where there is one
            except Refusal as refusal:
                raise inside(f"[{number}]", refusal) from None

    return check_array if run else None


def _code(codes: CodeList, dated_by: str, may_be_empty: bool) -> Run:
    always = {code for code, entry in codes.codes.items() if not entry.since and not entry.until}
    if may_be_empty:
        always.add("")

    def check_code(value: str, record: dict[str, Any], about: About) -> None:
        if value in always:
            return
        entry = codes.codes.get(value)
        if entry is None and not codes.lets_in(value):
            raise Refusal("", "unknown-code", "it is no code of its list", f"Use a code of the list {codes.name}")
        if entry and not entry.valid(record[dated_by] if dated_by else british_day(about["happened_at"])):
            fix = f"Use the code that stood in the list {codes.name} on that day"
            raise Refusal("", "code-not-valid-then", "its code was not in use on that day", fix)

    return check_code


def _in_range(least: int, most: int) -> Run:
    def check_range(value: int, _: dict[str, Any], __: About) -> None:
        if not least <= value <= most:
            raise Refusal("", "out-of-range", f"it is not between {least} and {most}", "Check the number")

    return check_range


def _not_after(other: str) -> Run:
    def check_order(value: date, record: dict[str, Any], about: About) -> None:
        _possible(value, record, about)
        if value > record[other]:
            raise Refusal("", "impossible-date", f"it is after `{other}`", "Check both")

    return check_order


def _possible(value: date, _: dict[str, Any], __: About) -> None:
    if not _YEARS[0] <= value.year <= _YEARS[1]:
        raise Refusal("", "impossible-date", f"its year is not between {_YEARS[0]} and {_YEARS[1]}", "Check the date")
