"""What a command works with, wired when it is first asked for: nothing connects at import.

What takes long to load (the engine and all that the hub is made of) is loaded only by the commands that need it.
"""

from __future__ import annotations

import getpass
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agents.adapters.kafka import Ends, KafkaProducer
from agents.adapters.keys import Keys, load_keys
from agents.adapters.sqlengine import open_engine
from agents.adapters.tokens import Tokens
from agents.commands.shell import Exit, Stop
from agents.queries import Queries
from agents.settings import Settings
from consent.seal import Pseudonyms
from consent.sharing import agencies
from schemas.errors import Misconfigured
from streams.topology import FAMILY_ITEMS, PEOPLE

if TYPE_CHECKING:
    from agents import bootstrap
    from agents.reading import Reading
    from agents.sending import Framing

TOKEN_VARIABLE = "HEARTH_TOKEN"  # noqa: S105 (a name, not a token)


@dataclass(frozen=True)
class Tools:
    """The hub's files on this machine and the running hub, as `environ` names them."""

    environ: Mapping[str, str]

    @cached_property
    def settings(self) -> Settings:
        """Settings of this machine's hub. A wrong one ends the command."""
        try:
            return Settings.load(self.environ)
        except Misconfigured as wrong:
            raise Stop(Exit.USAGE, str(wrong)) from None

    @cached_property
    def joined(self) -> Settings:
        """Settings with the running hub's address; ends the command where none runs."""
        try:
            return self.settings.joined()
        except Misconfigured as wrong:
            raise Stop(Exit.UNREACHABLE, str(wrong)) from None

    @cached_property
    def keys(self) -> Keys:
        return load_keys(self.settings)

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        return Pseudonyms(self.keys.pseudonym, self.keys.pseudonym_version)

    @cached_property
    def framing(self) -> Framing:
        from agents import bootstrap
        from agents.sending import Framing

        return Framing(self.pseudonyms, bootstrap.TYPED_SOURCES, self.settings.max_event_bytes)

    @cached_property
    def tokens(self) -> Tokens:
        return open_tokens(self.settings)

    @cached_property
    def producer(self) -> KafkaProducer:
        """A producer to the running hub's broker; ends the command where it does not answer."""
        made = KafkaProducer(self.joined.kafka)
        if not made.reachable():
            raise Stop(Exit.UNREACHABLE, "the hub's broker does not answer")
        return made

    @cached_property
    def queries(self) -> Queries:
        from agents import bootstrap

        return bootstrap.open_queries(self.joined)

    @cached_property
    def inside(self) -> bootstrap.Tools:
        """What the stages are built from, over the projection."""
        from agents import bootstrap

        return bootstrap.open_tools(self.joined, self.queries)

    @cached_property
    def reading(self) -> Reading:
        from agents import bootstrap
        from agents.reading import Reading

        stage, keeps_up = bootstrap.family_stage(self.inside), bootstrap.log_watches(self.joined)
        ends = Ends(self.joined.kafka, [FAMILY_ITEMS, PEOPLE])
        return Reading(self.queries, stage, self.producer, ends, may_disclose=keeps_up,
                       oldest=self.joined.send_seconds)  # fmt: skip

    def publishing_key(self, agency: str) -> bytes:
        """Return the key under which event ids of `agency`'s files are made: the same for every file."""
        return hmac.digest(self.keys.hub, f"hearth.publish|{agency}".encode(), "sha256")


def open_tokens(settings: Settings) -> Tokens:
    """Open the store of tokens: the configured database, or a file that outlives the hub's runs."""
    url = settings.database or f"sqlite:///{settings.home / 'tokens.db'}"
    return Tokens(open_engine(url), now, os.urandom)


def now() -> datetime:
    """Return the instant, UTC."""
    return datetime.now(UTC)


def tools() -> Tools:
    """Return the tools that the environment names."""
    return Tools(os.environ)


def agency_named(name: str) -> str:
    """Return `name` if it is an agency of this hub, else end the command."""
    if name not in agencies():
        raise Stop(Exit.USAGE, f"no such agency: one of {', '.join(sorted(agencies()))}")
    return name


def shown_token(environ: Mapping[str, str]) -> str:
    """Return the reader's token: from HEARTH_TOKEN, from the file HEARTH_TOKEN_FILE names, or asked for."""
    said = environ.get(TOKEN_VARIABLE, "")
    file = environ.get(f"{TOKEN_VARIABLE}_FILE", "")
    if not said and file:
        said = _token_in(Path(file))
    if not said and os.isatty(0):
        said = getpass.getpass("Token: ")
    if not said.strip():
        raise Stop(Exit.REFUSED, f"show your token: set {TOKEN_VARIABLE}, or {TOKEN_VARIABLE}_FILE to a file with it")
    return said.strip()


def _token_in(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        raise Stop(Exit.USAGE, f"{TOKEN_VARIABLE}_FILE names a file that cannot be read") from None
