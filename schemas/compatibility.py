"""Whether two Avro schemas are the same, and whether one reads what others wrote: `avro` decides."""

from __future__ import annotations

import json

import fastavro
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException
from avro.schema import parse as parse_avro
from fastavro.schema import SchemaParseException, UnknownType, to_parsing_canonical_form

LEVEL = "BACKWARD_TRANSITIVE"
MOST_SCHEMA = 200_000  # characters
_NOT_AVRO = (SchemaParseException, UnknownType, AvroException)
_UNPARSABLE = (*_NOT_AVRO, ValueError, TypeError, LookupError, AttributeError, RecursionError)


def reads_all(reader: str, writers: list[str]) -> bool:
    """Return whether `reader` (an Avro schema, JSON) reads everything that `writers` wrote: BACKWARD_TRANSITIVE."""
    try:
        parsed = parse_avro(reader)
    except _UNPARSABLE:
        return False
    compatible = SchemaCompatibilityType.compatible
    check = ReaderWriterCompatibilityChecker().get_compatibility
    return all(check(parsed, parse_avro(writer)).compatibility is compatible for writer in writers)


def canonical(said: str) -> str | None:
    """Return the parsing canonical form of an Avro schema (JSON); None where it is none.

    It leaves out docs, defaults and properties: two schemas that are alike in it write the same bytes.
    """
    if len(said) > MOST_SCHEMA:
        return None
    try:
        schema = json.loads(said)
        fastavro.parse_schema(schema)
        return str(to_parsing_canonical_form(schema))
    except _UNPARSABLE:
        return None
