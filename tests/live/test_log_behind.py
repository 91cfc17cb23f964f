"""The account of a run on a failing log disk can find what was sent while the log was behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from agents import bootstrap
from agents.adapters.log_files import LogWriter
from agents.settings import Settings
from streams.topology import CHECKPOINTS
from tests.contract.logs import PRIVATE, decision, entry
from tests.live.hub_account import Account
from tests.live.hub_feed import Published
from tests.live.hub_run import LOOK_SECONDS, HubRun

PATIENCE = 4.0
LATE = int((PATIENCE + LOOK_SECONDS) * 1000)  # ms


def test_what_was_sent_while_an_old_decision_was_not_signed_is_counted(tmp_path: Path) -> None:
    """Decided at 0 and signed half a minute later: what was sent from when it was late until then counts, and what was
    sent before or after does not; nor does anything where the log kept up."""
    settings = Settings.load({"HEARTH_HOME": str(tmp_path), "HEARTH_KAFKA": "127.0.0.1:1"}).begin_run(bootstrap.now())
    origin, heads = settings.log_origin("main"), []
    log = LogWriter(settings.log_dir / "main", origin, PRIVATE)
    for number, then in ((0, 30_000), (1, 41_000)):
        log.append([entry(number)])
        heads.append(SimpleNamespace(key=origin.encode(), value=log.head, timestamp=then))
    log.close()
    account = Account(settings, Published())
    account.__dict__["recorder"] = SimpleNamespace(all={CHECKPOINTS: heads}.__getitem__)
    account.__dict__["decisions"] = {
        decision(0).id: (0, {"id": decision(0).id}), decision(1).id: (40_000, {"id": decision(1).id})
    }  # fmt: skip
    assert account.behind(LATE) == [(LATE, 30_000)]
    for sent, found in (((1, LATE - 1, 30_001, 40_500), 0), ((LATE + 1, 29_999, 30_001), 2)):
        account.__dict__["sent"] = [(at, None) for at in sent]
        assert HubRun.disclosed_behind(None, account, PATIENCE) == {"sent while the log was behind": found}
