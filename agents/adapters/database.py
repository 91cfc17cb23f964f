"""The projection's tables: what is read by commands and pages. All of it can be made again from the topics.

Instants are UTC milliseconds since 1970. `body` is the record as it stood on its topic. A table's columns beside it are
what is searched by. deploy/migrations/ makes the same tables step by step in a deployed database.
"""

from __future__ import annotations

import sqlalchemy as sql

METADATA = sql.MetaData()
_ID = sql.String(160)
_WORD = sql.String(64)
_TEXT = sql.String(400)

POSITIONS = sql.Table(
    "positions",  # how far each partition is in the tables, written in the same transaction as they are
    METADATA,
    sql.Column("topic", _WORD, primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("next", sql.BigInteger, nullable=False),
)
FAMILY_RECORDS = sql.Table(
    "family_records",  # everything that made a family's state, in the order it came
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("place", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("family", _WORD, nullable=False),
    sql.Column("kind", _WORD, nullable=False),
    sql.Column("item", _ID),
    sql.Column("person", _WORD),
    sql.Column("received_at", sql.BigInteger, nullable=False),
    sql.Column("key_version", sql.Integer),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Index("family_records_by_family", "family"),
)
PEOPLE = sql.Table(
    "people",
    METADATA,
    sql.Column("key", _WORD, primary_key=True),
    sql.Column("kind", _WORD, nullable=False),
    sql.Column("version", sql.Integer, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
)
DECISIONS = sql.Table(
    "decisions",
    METADATA,
    sql.Column("id", _ID, primary_key=True),
    sql.Column("log", _WORD, nullable=False),
    sql.Column("stage", _WORD, nullable=False),
    sql.Column("outcome", _WORD, nullable=False),
    sql.Column("family", _WORD, nullable=False),
    sql.Column("event", _WORD),
    sql.Column("item", _ID),  # the item decided on, where it was one
    sql.Column("recipient", _ID, nullable=False),
    sql.Column("role", _WORD, nullable=False),
    sql.Column("publisher", _WORD, nullable=False),
    sql.Column("category", _WORD, nullable=False),
    sql.Column("purpose", _WORD, nullable=False),
    sql.Column("decided_at", sql.BigInteger, nullable=False),
    sql.Column("place", sql.BigInteger, nullable=False),
    sql.Column("ground", _WORD, nullable=False),  # the safeguarding ground that was open; `none`
    sql.Column("law", sql.Text, nullable=False),  # gateway and Article 6 basis of what was shared
    sql.Column("rules", sql.Text, nullable=False),  # each between blanks, so that one is found by ` id `
    sql.Column("agreement_state", _WORD, nullable=False),
    sql.Column("decided_by", _ID, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Index("decisions_by_family", "family", "stage", "event"),
    sql.Index("decisions_by_time", "decided_at", "id"),
    sql.Index(
        "decisions_by_recipient", "recipient", "decided_at",
        sqlite_where=sql.text("recipient <> 'hub'"), postgresql_where=sql.text("recipient <> 'hub'"),  # few of all
    ),
)
ALERTS = sql.Table(
    "alerts",
    METADATA,
    sql.Column("id", _ID, primary_key=True),
    sql.Column("revision", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("family", _WORD, nullable=False),
    sql.Column("scope", _WORD, nullable=False),
    sql.Column("subscriber", _WORD, nullable=False),
    sql.Column("recipient", _ID, nullable=False),
    sql.Column("clearance", _WORD, nullable=False),
    sql.Column("rule", _WORD, nullable=False),
    sql.Column("level", _WORD, nullable=False),
    sql.Column("status", _WORD, nullable=False),
    sql.Column("raised_at", sql.BigInteger, nullable=False),
    sql.Column("changed_at", sql.BigInteger, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Index("alerts_by_subscriber", "subscriber", "recipient"),
    sql.Index("alerts_by_family", "family"),
)
ALERT_OUTCOMES = sql.Table(
    "alert_outcomes",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("place", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("alert", _ID, nullable=False),
    sql.Column("at", sql.BigInteger, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Index("alert_outcomes_by_alert", "alert"),
)
RECEIPTS = sql.Table(
    "receipts",  # one event may get several: accepted first, then duplicate when it is sent again
    METADATA,
    sql.Column("id", _ID, primary_key=True),
    sql.Column("status", _WORD, primary_key=True),
    sql.Column("agency", _WORD, nullable=False),
    sql.Column("received_at", sql.BigInteger, nullable=False),
    sql.Column("warnings", sql.Integer, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
)
QUARANTINE = sql.Table(
    "quarantine",
    METADATA,
    sql.Column("id", _ID, primary_key=True),
    sql.Column("agency", _WORD, nullable=False),
    sql.Column("received_at", sql.BigInteger, nullable=False),
    sql.Column("path", _TEXT, nullable=False),
    sql.Column("code", _WORD, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
)
REVIEW = sql.Table(
    "review",
    METADATA,
    sql.Column("id", _ID, primary_key=True),
    sql.Column("event", _WORD, nullable=False),
    sql.Column("reason", _WORD, nullable=False),
    sql.Column("received_at", sql.BigInteger, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
)
CHECKPOINTS = sql.Table(
    "checkpoints",
    METADATA,
    sql.Column("place", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("log", _ID, nullable=False),
    sql.Column("written_at", sql.BigInteger, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
)
REGISTERS = sql.Table(
    "registers",  # of each log: where a family's register changed last (consent/overtaken.py)
    METADATA,
    sql.Column("log", _WORD, primary_key=True),
    sql.Column("family", _WORD, primary_key=True),
    sql.Column("version", _WORD, nullable=False),
    sql.Column("place", sql.BigInteger, nullable=False),
)
IG_CASES = sql.Table(
    "ig_cases",  # what happened to each case of the IG queue, in the order it was said
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("place", sql.BigInteger, primary_key=True, autoincrement=False),
    sql.Column("case", _WORD, nullable=False),
    sql.Column("log", _WORD, nullable=False),
    sql.Column("body", sql.LargeBinary, nullable=False),
    sql.Index("ig_cases_by_case", "case"),
)
