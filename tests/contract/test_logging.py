"""What the hub's processes write to their logs: JSON, names and numbers, and no words of a partner's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PLANTED = "Ottoline Vanterpool"
SAYINGS = {
    "an exception of ours": f"raise ValueError({PLANTED!r})",
    "an exception in a thread": (
        "import threading\n"
        f"def fail(): raise KeyError({PLANTED!r})\n"
        "t = threading.Thread(target=fail); t.start(); t.join()"
    ),
    "a library's values": f"import logging; logging.getLogger('lib').error('no such person: %s', {PLANTED!r})",
    "a library's own words": f"import logging; logging.getLogger('lib').error('no such person: ' + {PLANTED!r})",
    "a library's exception": (
        "import logging\n"
        f"try: raise KeyError({PLANTED!r})\n"
        "except KeyError: logging.getLogger('lib').exception('failed at %d', 7)"
    ),
    "a library that installs its own handler": (
        "import logging\n"
        "logging.basicConfig(level=0, force=True)\n"
        f"logging.getLogger('lib').error('no such person: %s', {PLANTED!r})"
    ),
}


@pytest.mark.parametrize("saying", SAYINGS)
def test_what_a_partner_said_never_reaches_the_log(saying: str) -> None:
    """Whoever complains, and however: the place and the kind stand there, the words do not."""
    script = "from agents import logging as ours; ours.set_up('t')\n" + SAYINGS[saying]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    said = done.stdout + done.stderr
    assert said.strip(), "something must be said"
    for word in PLANTED.split():
        assert word not in said


def test_a_line_is_json_with_process_level_and_time() -> None:
    """One object a line, for whatever collects them; a crash names its kind and its places."""
    script = "from agents import logging as ours; ours.set_up('worker-7')\nraise ValueError('x')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    line = json.loads(done.stderr)
    said = {name: line[name] for name in ("process", "level", "event", "error")}
    assert said == {"process": "worker-7", "level": "critical", "event": "crashed", "error": "ValueError"}
    assert line["places"] == ["<string>:2"]
    assert done.returncode == 1
