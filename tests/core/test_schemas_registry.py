"""The registry gives out what is pinned and takes in nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.contract import contracts, written
from schemas.registry import answer
from tests.core.schemas_kit import ATTENDANCE, EMERGENCY, TYPES

OLD, NEW = 1009, 1010


def schema_of(schema_id: int) -> str:
    return json.dumps(written()[schema_id].schema)


def test_subjects_are_the_names_of_the_records() -> None:
    """Subject by record name, each with its versions."""
    assert answer("GET", "/subjects", None) == (200, TYPES)
    assert answer("GET", f"/subjects/{EMERGENCY}/versions", None) == (200, [1, 2])
    assert answer("GET", f"/subjects/{ATTENDANCE}/versions", None) == (200, [1])


@pytest.mark.parametrize(
    ("said", "version", "schema_id"), [("1", 1, OLD), ("2", 2, NEW), ("latest", 2, NEW), ("-1", 2, NEW)]
)
def test_a_version_is_given_out_with_its_id_and_schema(said: str, version: int, schema_id: int) -> None:
    """What a stock deserializer or code generator asks for."""
    status, found = answer("GET", f"/subjects/{EMERGENCY}/versions/{said}", None)
    assert status == 200
    assert (found["id"], found["version"], found["subject"]) == (schema_id, version, EMERGENCY)
    assert json.loads(found["schema"]) == written()[schema_id].schema
    assert answer("GET", f"/subjects/{EMERGENCY}/versions/{said}/schema", None) == (200, written()[schema_id].schema)


@pytest.mark.parametrize("schema_id", sorted(written()))
def test_every_id_gives_its_schema(schema_id: int) -> None:
    """An id in a frame can always be looked up."""
    status, found = answer("GET", f"/schemas/ids/{schema_id}?fetchMaxId=false", None)
    assert status == 200
    assert json.loads(found["schema"]) == written()[schema_id].schema
    assert answer("GET", f"/schemas/ids/{schema_id}/subjects", None) == (200, [written()[schema_id].type])
    assert answer("GET", f"/schemas/ids/{schema_id}/versions", None)[1][0]["version"] == written()[schema_id].version
    assert answer("GET", f"/schemas/guids/{found['guid']}", None)[1]["id"] == schema_id


@pytest.mark.parametrize("schema_id", sorted(written()))
@pytest.mark.parametrize("subject", ["in.school-value", "record"])
def test_registering_a_pinned_schema_gives_its_id(schema_id: int, subject: str) -> None:
    """Stock serializers register what they write by default, under a subject of their own making."""
    name = written()[schema_id].type if subject == "record" else subject
    for path in (f"/subjects/{name}/versions?normalize=False", f"/subjects/{name}?deleted=False"):
        status, found = answer("POST", path, {"schema": schema_of(schema_id), "schemaType": "AVRO"})
        assert (status, found["id"], found["subject"]) == (200, schema_id, name)


def test_docs_defaults_and_order_of_keys_make_no_other_schema() -> None:
    """Compared by parsing canonical form, as clients write the same schema in many ways."""

    def bare(part: Any) -> Any:
        if isinstance(part, list):
            return [bare(inner) for inner in part]
        if isinstance(part, dict):
            return {key: bare(part[key]) for key in sorted(part, reverse=True) if key not in ("doc", "hearth", "codes")}
        return part

    text = json.dumps(bare(contracts()[ATTENDANCE].schema))
    assert answer("POST", f"/subjects/{ATTENDANCE}/versions", {"schema": text})[1]["id"] == 1023


@pytest.mark.parametrize(
    ("subject", "body", "status", "code"),
    [
        ("in.school-value", {"schema": '"string"'}, 409, 409),
        (ATTENDANCE, {"schema": schema_of(NEW)}, 409, 409),
        ("x", {"schema": "{"}, 422, 42201),
        ("x", {"schema": '{"type": "no"}'}, 422, 42201),
        ("x", {"schema": "[" * 100_000}, 422, 42201),
        ("x", {"schema": schema_of(NEW), "schemaType": "JSON"}, 422, 42201),
        ("x", {"schema": {}}, 422, 42201),
        ("x", {}, 422, 42201),
        ("x", None, 422, 42201),
    ],
)
def test_any_other_schema_is_refused_as_confluent_refuses(subject: str, body: Any, status: int, code: int) -> None:
    """The contracts change in the repository, under review, and nowhere else."""
    found = answer("POST", f"/subjects/{subject}/versions", body)
    assert (found[0], found[1]["error_code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/subjects/none/versions", 404, 40401),
        ("GET", f"/subjects/{EMERGENCY}/versions/9", 404, 40402),
        ("GET", f"/subjects/{EMERGENCY}/versions/x", 422, 42202),
        ("GET", "/schemas/ids/7", 404, 40403),
        ("GET", "/schemas/ids/x", 404, 40403),
        ("GET", "/schemas/guids/x", 404, 40403),
        ("GET", "/nothing", 404, 404),
        ("PUT", "/config", 405, 42205),
        ("DELETE", f"/subjects/{EMERGENCY}", 405, 42205),
        ("POST", "/mode", 405, 42205),
    ],
)
def test_what_is_not_there_or_not_allowed_has_confluents_code(method: str, path: str, status: int, code: int) -> None:
    """Clients decide by the code."""
    found = answer(method, path, None)
    assert (found[0], found[1]["error_code"]) == (status, code)


def test_a_schema_not_pinned_is_not_found_on_look_up() -> None:
    """A serializer that must not register looks up instead."""
    assert answer("POST", f"/subjects/{ATTENDANCE}", {"schema": '"string"'})[0] == 404


def test_config_says_how_contracts_grow() -> None:
    """Read-only, backward transitive, Avro."""
    assert answer("GET", "/config", None) == (200, {"compatibilityLevel": "BACKWARD_TRANSITIVE"})
    assert answer("GET", f"/config/{EMERGENCY}", None)[0] == 200
    assert answer("GET", "/mode", None) == (200, {"mode": "READONLY"})
    assert answer("GET", "/schemas/types", None) == (200, ["AVRO"])


def test_compatibility_is_avros_own_answer() -> None:
    """A version that dropped a field without default, or added one, could not read what stands."""
    body = {"schema": schema_of(NEW)}
    assert answer("POST", f"/compatibility/subjects/{EMERGENCY}/versions", body) == (200, {"is_compatible": True})
    broken = json.loads(schema_of(NEW))
    broken["fields"].append({"name": "ward", "type": "string"})
    for version in ("1", "latest"):
        path = f"/compatibility/subjects/{EMERGENCY}/versions/{version}"
        assert answer("POST", path, {"schema": json.dumps(broken)}) == (200, {"is_compatible": False})
        assert answer("POST", path, body) == (200, {"is_compatible": True})
    assert answer("POST", "/compatibility/subjects/none/versions/1", body)[0] == 404
    assert answer("POST", f"/compatibility/subjects/{EMERGENCY}/versions/1", {"schema": "{"})[0] == 422


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    st.text(max_size=30),
    st.none() | st.dictionaries(st.text(), st.text()),
)
def test_any_request_has_an_answer(method: str, path: str, body: dict[str, Any] | None) -> None:
    """A door that is open to the network never raises."""
    assert answer(method, path, body)[0] in (200, 404, 405, 409, 422)
