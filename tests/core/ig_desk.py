"""An officer at a command line beside the hub's files, with no broker: what reads the projection and the logs alone."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from agents.commands.tools import Tools
from schemas.people import KnownPractitioner, people_key
from schemas.records import encode
from streams import topology
from tests.core.ig_kit import World


class Desk:
    """The hub's projection at `world`, and the token of whoever sits here in the environment."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        folder.mkdir(exist_ok=True)
        self.world = World(folder)
        patch.setenv("HEARTH_HOME", str(folder))
        patch.setenv("HEARTH_KAFKA", "127.0.0.1:1")  # nobody listens: a command that asked the broker would fail
        patch.setenv("HEARTH_DATABASE", f"sqlite:///{folder / 'ig.db'}")

    def sit(self, who: KnownPractitioner) -> None:
        """Register a practitioner, and show their token."""
        self.world.tell(topology.PEOPLE, encode(who), people_key(who))
        token, _ = Tools(os.environ).tokens.issue("reader", who.practitioner, who.agency, (), timedelta(days=1))
        self._patch.setenv("HEARTH_TOKEN", token)
