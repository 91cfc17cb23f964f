"""The hub's own parts put together: decisions on a broker, the log, a witness over HTTP, and the auditor's command."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents import bootstrap
from agents.adapters.embedded import Embedded
from agents.adapters.kafka import KafkaProducer
from agents.adapters.keys import load_keys
from agents.adapters.topics import Topic
from agents.commands.audit import app
from agents.settings import Settings
from consent.log.checkpoint import open_checkpoint, verifier_key
from schemas.records import encode
from streams.outcome import Emit
from streams.topology import CHECKPOINTS, DECISIONS
from tests.contract.logs import decision
from tests.edges.log_kit import answering, witness


def test_a_hubs_decisions_are_logged_cosigned_and_audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The main log is cosigned, as its policy says; the sealed one, which has no policy, is shown to no witness."""
    broker = Embedded([Topic(DECISIONS), Topic(CHECKPOINTS)])
    environ = {"HEARTH_HOME": str(tmp_path), "HEARTH_KAFKA": broker.bootstrap}
    settings = Settings.load(environ).begin_run(bootstrap.now())
    key = verifier_key("hearth/main", load_keys(settings).logs["main"])
    opened = witness(tmp_path / "witness", logs=(key,))
    with answering(opened) as url:
        settings.witness_policy("main").write_text(f"witness w {opened.key} {url}\nquorum w\n")
        assert bootstrap.witnessing(settings, "sealed") is None
        sequencer, witnessing = bootstrap.sequencer(settings, "main"), bootstrap.witnessing(settings, "main")
        producer, logged = KafkaProducer(settings.kafka), 0
        for end in (300, 500):
            producer.send([Emit(DECISIONS, "f", encode(decision(number))) for number in range(logged, end)])
            producer.flush()
            until = time.monotonic() + 60
            while logged < end and time.monotonic() < until:
                logged += sequencer.step()
            assert (logged, witnessing.step()) == (end, 1)
            cosigned = (settings.log_dir / "main/cosigned").read_bytes()
            assert open_checkpoint(cosigned, key).size == end
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        found = CliRunner().invoke(app, ["verify", "--log", "main", "--witnessed", url])
        assert found.exit_code == 0, found.output
    broker.close()
