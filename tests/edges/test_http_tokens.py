"""The store of bearer tokens: what is kept, for whom, and for how long."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.adapters.sqlengine import open_engine
from agents.adapters.tokens import Grant, Tokens

YEAR = timedelta(days=365)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.db"


@pytest.fixture
def tokens(watch: Watch, file: Path) -> Tokens:
    return Tokens(open_engine(f"sqlite:///{file}"), watch, os.urandom)


def test_a_token_stands_for_its_agency_and_its_sources(tokens: Tokens) -> None:
    """What was issued is what the door is told."""
    token, issued = tokens.issue("agency", "school", "school", ("urn:school:1",), YEAR)
    assert tokens.grant(token) == issued
    assert (issued.kind, issued.bearer, issued.sources) == ("agency", "school", ("urn:school:1",))


def test_the_store_holds_no_token(tokens: Tokens, file: Path) -> None:
    """Whoever reads the database cannot come in with what stands there."""
    token, _ = tokens.issue("agency", "school", "school", ("urn:school:1",), YEAR)
    secret = token.split("_", 2)[2].encode()
    stored = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"urn:school:1" in stored
    assert secret not in stored


def test_a_wrong_unknown_or_mangled_token_stands_for_nothing(tokens: Tokens) -> None:
    """One changed character is enough."""
    token, issued = tokens.issue("agency", "school", "school", ("urn:school:1",), YEAR)
    other, _ = tokens.issue("agency", "health", "health", ("urn:gp:1",), YEAR)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    crossed = f"hth_{issued.id}_{other.split('_', 2)[2]}"
    for said in (wrong, crossed, "", "hth_", "hth__", f"hth_{issued.id}_", issued.id, token + "A", "x" + token):
        assert tokens.grant(said) is None


def test_a_rotation_lets_both_tokens_hold_for_the_overlap_and_no_longer(tokens: Tokens, watch: Watch) -> None:
    """A publisher can change its token without a gap, and the old one ends by itself."""
    old, first = tokens.issue("agency", "school", "school", ("urn:school:1", "urn:school:2"), YEAR)
    rotated = tokens.rotate("agency", "school", YEAR, timedelta(hours=72))
    assert rotated is not None
    new, second = rotated
    assert second.sources == first.sources
    watch.now = NOW + timedelta(hours=71)
    assert tokens.grant(old) is not None
    assert tokens.grant(new) is not None
    watch.now = NOW + timedelta(hours=73)
    assert tokens.grant(old) is None
    assert tokens.grant(new) is not None


def test_a_rotation_never_lengthens_an_earlier_token(tokens: Tokens, watch: Watch) -> None:
    """A token about to end is not given the overlap on top."""
    old, _ = tokens.issue("agency", "school", "school", ("urn:school:1",), timedelta(hours=1))
    tokens.rotate("agency", "school", YEAR, timedelta(hours=72))
    watch.now = NOW + timedelta(hours=2)
    assert tokens.grant(old) is None


def test_a_rotation_touches_no_other_bearer(tokens: Tokens, watch: Watch) -> None:
    """Another agency's token, and a reader's, stay as they were; without a token there is nothing to rotate."""
    health, _ = tokens.issue("agency", "health", "health", ("urn:gp:1",), YEAR)
    reader, _ = tokens.issue("reader", "school", "school", (), YEAR)
    tokens.issue("agency", "school", "school", ("urn:school:1",), YEAR)
    tokens.rotate("agency", "school", YEAR, timedelta(0))
    assert tokens.grant(health) is not None
    assert tokens.grant(reader) is not None
    assert tokens.rotate("agency", "police", YEAR, timedelta(0)) is None


def test_a_revoked_token_and_an_ended_one_stand_for_nothing(tokens: Tokens, watch: Watch) -> None:
    """Revoking works at once and only once; time ends the rest."""
    first, issued = tokens.issue("agency", "school", "school", ("urn:school:1",), YEAR)
    second, _ = tokens.issue("agency", "school", "school", ("urn:school:1",), YEAR)
    assert tokens.revoke(issued.id) == 1
    assert tokens.revoke(issued.id) == 0
    assert tokens.grant(first) is None
    assert tokens.grant(second) is not None
    watch.now = NOW + YEAR
    assert tokens.grant(second) is None
    assert tokens.listed() == []


@pytest.mark.parametrize(
    ("allowed", "source", "may"),
    [
        ("urn:school:1", "urn:school:1", True),
        ("urn:school:1", "urn:school:1/register", True),
        ("urn:school:1", "urn:school:12", False),
        ("urn:school:", "urn:school:12", True),
        ("urn:school:1", "urn:school", False),
        ("", "urn:anything", False),
    ],
)
def test_a_source_is_allowed_as_itself_or_below_itself_only(allowed: str, source: str, may: bool) -> None:
    """`urn:school:1` does not speak for `urn:school:12`."""
    assert Grant("i", "agency", "school", "school", (allowed,), NOW, NOW).may_use(source) is may
