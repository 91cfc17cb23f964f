"""A whole hub in its own processes, on both brokers: it takes events, heals, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agents import bootstrap, hub
from agents.adapters.kafka import KafkaProducer
from agents.adapters.keys import load_keys
from agents.demo.county import County
from agents.hub import Hub
from agents.sending import Framing
from agents.settings import Settings
from consent.seal import Pseudonyms


def wait_for(what: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return when `what` holds; fail when it does not within `seconds`."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.1)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    environ = {"HEARTH_HOME": str(tmp_path), "HEARTH_PARTITIONS": "2"}
    if request.param == "kafka":
        environ["HEARTH_KAFKA"] = request.getfixturevalue("own_kafka").bootstrap
    started = hub.start(Settings.load(environ))
    yield started
    started.stop()


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Any]:
    """A Kafka of this test's own: topics of an earlier hub would be found again."""
    from deploy.kafka.broker import start

    broker = start(tmp_path / "kafka")
    yield broker
    broker.remove()


def publish(settings: Settings, county: County) -> int:
    """Publish a county's events as their agencies would; return how many."""
    keys = load_keys(settings)
    framing = Framing(Pseudonyms(keys.pseudonym, keys.pseudonym_version))
    emits = [framing.ready(event, agency).emit for agency, event in county.events()]
    producer = KafkaProducer(settings.kafka)
    producer.send(emits)
    producer.flush()
    return len(emits)


def test_every_event_gets_a_receipt_though_every_process_is_killed_once(running: Hub) -> None:
    """Worker and desk are killed at work; both come back by themselves, and each event is answered."""
    queries = bootstrap.open_queries(running.settings)
    count = publish(running.settings, County(4, date(2026, 11, 20), weeks=2, base=100))
    wait_for(lambda: sum(queries.receipt_counts().values()) > 0)
    for child in running.children:
        os.kill(child.pid, signal.SIGKILL)
    count += publish(running.settings, County(4, date(2026, 11, 20), weeks=2, base=200, seed=2))
    wait_for(lambda: queries.receipt_counts().get("accepted", 0) == count, 90)
    assert all(child.restarts >= 1 for child in running.children)
    wait_for(lambda: logged(running) == sum(sum(n.values()) for n in queries.decided().values()) > 0)


def logged(running: Hub) -> int:
    """Return the size of the main log as its published head says."""
    head = bootstrap.open_queries(running.settings).checkpoint(running.settings.log_origin("main"))
    return int(head.split(b"\n")[1]) if head else 0


def test_a_stopped_hub_leaves_no_process_and_no_address(running: Hub) -> None:
    """Children are gone, and other commands are told that none runs."""
    pids = [child.pid for child in running.children]
    assert running.settings.listening() is not None
    running.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert running.settings.listening() is None


def test_a_killed_hub_takes_its_processes_with_it(tmp_path: Path) -> None:
    """Even SIGKILL leaves nothing running: the children see that their parent is gone."""
    script = (
        "import time; from agents import hub; from agents.settings import Settings\n"
        "started = hub.start(Settings.load())\n"
        "print(*[child.pid for child in started.children], flush=True); time.sleep(600)"
    )
    environ = {**os.environ, "HEARTH_HOME": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], env=environ, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 120)


@pytest.mark.kafka
def test_the_processes_run_one_by_one_as_containers_do(own_kafka: Any, tmp_path: Path) -> None:
    """`prepare`, then workers and desk, each by its own command: what compose.yaml and k8s/ start."""
    settings = Settings.load({
        "HEARTH_HOME": str(tmp_path / "home"), "HEARTH_KAFKA": own_kafka.bootstrap, "HEARTH_PARTITIONS": "2",
        "HEARTH_HTTP_PORT": str(hub._free_port("127.0.0.1")),
    })  # fmt: skip
    environ = {**os.environ, **settings.environ()}
    command = [sys.executable, "-m", "agents.processes"]
    subprocess.run([*command, "prepare"], env=environ, check=True, timeout=60, capture_output=True)
    kinds = (["worker", "worker-0"], ["worker", "worker-1"], ["desk"])
    with (tmp_path / "output.txt").open("wb") as output:
        started = [subprocess.Popen([*command, *kind], env=environ, stdout=output, stderr=output) for kind in kinds]
    try:
        count = publish(settings, County(2, date(2026, 11, 20), weeks=1, base=300))
        wait_for(lambda: hub._answers("127.0.0.1", settings.http_port))
        queries = bootstrap.open_queries(settings)
        wait_for(lambda: queries.receipt_counts().get("accepted", 0) == count, 90)
    finally:
        for process in started:
            process.terminate()
        codes = [process.wait(90) for process in started]
    assert codes == [0, 0, 0], (tmp_path / "output.txt").read_text()


def test_a_process_of_its_own_needs_a_kafka(tmp_path: Path) -> None:
    """Without one it ends at once: only the whole hub has a broker of its own."""
    environ = {**os.environ, "HEARTH_HOME": str(tmp_path)}
    environ.pop("HEARTH_KAFKA", None)
    command = [sys.executable, "-m", "agents.processes", "worker", "w"]
    done = subprocess.run(command, env=environ, check=False, timeout=60, capture_output=True)
    assert done.returncode == 1
    assert b"Misconfigured" in done.stderr
