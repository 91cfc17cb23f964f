"""What the tests of the commands share: running one, and what it said."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from agents.cli import run


@dataclass
class Said:
    """A command's exit code, its data and its messages."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs commands in this process with an environment of their own."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capture = capture
        patch.setenv("NO_COLOR", "1")
        for name in ("HEARTH_TOKEN", "HEARTH_TOKEN_FILE", "HEARTH_KAFKA"):
            patch.delenv(name, raising=False)

    def environ(self, **variables: str) -> None:
        for name, value in variables.items():
            self._patch.setenv(name, value)

    def __call__(self, *arguments: object, stdin: str = "") -> Said:
        self._patch.setattr(sys, "stdin", io.StringIO(stdin))
        self._patch.setattr("os.isatty", lambda _: False)
        self._capture.readouterr()
        code = run([str(argument) for argument in arguments])
        said = self._capture.readouterr()
        return Said(code, said.out, said.err)
