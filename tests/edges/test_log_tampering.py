"""Whatever is done to a log, at whichever record, an auditor with a cosigned head kept aside finds it.

HEARTH_TAMPER_EVERY=1 tampers at every record (`make faults`); `make test` takes every 50th.
"""

from __future__ import annotations

import os

import pytest

from tests.edges.log_tampering import FILES_ONLY, WITH_THE_KEY, quick_directory, run, table

EVERY = int(os.environ.get("HEARTH_TAMPER_EVERY", "50"))


@pytest.mark.fault
@pytest.mark.timeout(3600)
def test_an_auditor_with_a_cosigned_head_finds_all_tampering(capsys):
    """Every way at every record taken; what needs the log's key is found by the cosigned head alone, as it must be."""
    with quick_directory() as home:
        counts = run(home, EVERY)
    with capsys.disabled():
        print(f"\n{table(counts)}")
    assert set(counts) == {*FILES_ONLY, *WITH_THE_KEY}
    assert all(done == found > 0 for done, found, _ in counts.values())
    assert all(done == alone for way, (done, _, alone) in counts.items() if way in FILES_ONLY)
    assert not any(alone for way, (_, _, alone) in counts.items() if way in WITH_THE_KEY)
