"""Start and stop a real Apache Kafka (KRaft, one node) from its published jars, without Docker.

Standard library only, so that any Python 3.11 runs it. As a command: `deploy/kafka/start`, `deploy/kafka/stop`.
In tests: `broker = start(directory)`, `broker.bootstrap`, `broker.restart()`, `broker.stop()`.
"""

from __future__ import annotations

import argparse
import atexit
import base64
import contextlib
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import string
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
START_SECONDS = 90
STOP_SECONDS = 20
PORTS = range(20_000, 32_000)  # below those of outgoing connections, on Linux and elsewhere


class BrokerFailed(Exception):
    """Java, Maven or the broker did not do what was asked; the message says which and where its output is."""


class Broker:
    """One running broker. `bootstrap` is `host:port`, `pid` the Java process, `dir` its data and log directory."""

    def __init__(self, directory: Path, host: str, port: int, classpath: str) -> None:
        self.dir = directory
        self.host = host
        self.port = port
        self.bootstrap = f"{host}:{port}"
        self._classpath = classpath
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def launch(self, owned: bool = True) -> Broker:
        """Start the Java process and wait until it serves. An `owned` broker dies with this process."""
        heap = os.environ.get("HEARTH_KAFKA_HEAP", "768m")
        command = [
            "java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4",
            f"-Dhearth.kafka.dir={self.dir}", f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
            "-cp", self._classpath, "kafka.Kafka", str(self.dir / "server.properties"),
        ]  # fmt: skip
        with (self.dir / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                _dying_with_parent(command) if owned else command,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        if owned:
            atexit.register(self.stop)
        (self.dir / "pid").write_text(str(self.pid))
        self._wait_until_served()
        return self

    def _wait_until_served(self) -> None:
        assert self._process is not None
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise BrokerFailed(f"the broker ended at start, see {self.dir}/server.log and output.txt")
            if _serves(self.host, self.port):
                return
            time.sleep(0.1)
        self.stop()
        raise BrokerFailed(f"the broker did not serve within {START_SECONDS} s, see {self.dir}/server.log")

    def signal(self, number: int) -> None:
        """Send a signal to the broker (SIGSTOP, SIGCONT, SIGKILL), for fault tests."""
        if self._process and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def stop(self) -> None:
        """Stop the broker and wait for its end; kill it after 20 s. Its data stays."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Stop, then start again on the same data and port."""
        self.stop()
        self.launch()

    def remove(self) -> None:
        """Stop, and delete the data."""
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def start(directory: Path | str, port: int | None = None, host: str = "127.0.0.1", owned: bool = True) -> Broker:
    """Start a broker with its data in `directory` (formatted when new), on `port` or a free one."""
    where = Path(directory).resolve()
    where.mkdir(parents=True, exist_ok=True)
    classpath = f"{jars()}/*"
    properties = where / "server.properties"
    if properties.exists():
        port = _configured_port(properties)
        return Broker(where, host, port, classpath).launch(owned)
    port = port or _free_port()
    template = string.Template((HERE / "server.properties").read_text())
    filled = template.substitute(host=host, port=port, controller_port=_free_port(), dir=where)
    properties.write_text(filled)
    _format(where, classpath)
    return Broker(where, host, port, classpath).launch(owned)


def jars() -> Path:
    """Return the directory of Kafka's jars, fetched by Maven on first use (126 MB) into `.kafka/lib`."""
    given = os.environ.get("HEARTH_KAFKA_LIB")
    if given:
        return Path(given)
    cache = Path(os.environ.get("HEARTH_KAFKA_CACHE", PROJECT / ".kafka")).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256((HERE / "pom.xml").read_bytes()).hexdigest()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may start together
        _need("java", "openjdk-17-jre-headless")
        if not (cache / "have").exists() or (cache / "have").read_text() != wanted:
            _fetch(cache)
            (cache / "have").write_text(wanted)
    return cache / "lib"


def _fetch(cache: Path) -> None:
    _need("mvn", "maven")
    shutil.rmtree(cache / "lib", ignore_errors=True)
    _run(["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies",
          f"-DoutputDirectory={cache / 'lib'}"], cache / "maven.txt")  # fmt: skip


def _need(program: str, package: str) -> None:
    if shutil.which(program):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise BrokerFailed(f"`{program}` is missing: install {package} (Java 17 or later, Maven 3.8 or later)")
    log = Path("/tmp") / f"hearth-{package}.txt"
    _run(["apt-get", "update", "-qq"], log)
    _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], log)


def _format(where: Path, classpath: str) -> None:
    cluster = base64.urlsafe_b64encode(b"\x00" + os.urandom(15)).rstrip(b"=").decode()
    _run(["java", "-XX:TieredStopAtLevel=1", f"-Dhearth.kafka.dir={where}",
          f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-cp", classpath, "kafka.tools.StorageTool",
          "format", "--standalone", "-t", cluster, "-c", str(where / "server.properties")],
         where / "format.txt")  # fmt: skip


def _run(command: list[str], output: Path) -> None:
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    with output.open("ab") as sink:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=environment, check=False)
    if done.returncode:
        raise BrokerFailed(f"`{command[0]}` failed with {done.returncode}, see {output}")


def _serves(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _free_port() -> int:
    """Return a port that nobody listens at. Java takes it seconds later, so it is none that the system gives away."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise BrokerFailed("no port is free: name one with --port")


def _configured_port(properties: Path) -> int:
    listeners = next(line for line in properties.read_text().splitlines() if line.startswith("advertised.listeners="))
    return int(listeners.rsplit(":", 1)[1])


def _dying_with_parent(command: list[str]) -> list[str]:
    helper = shutil.which("setpriv")  # util-linux; it replaces itself by the command, so the process id stays
    return [helper, "--pdeathsig", "TERM", *command] if helper else command


def _stop_by_pid(where: Path) -> None:
    pid = int((where / "pid").read_text())
    if str(where).encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
        raise BrokerFailed(f"process {pid} is not the broker of {where}")
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.1)


def main() -> int:
    """Run the command line; errors go to stderr and give exit code 1."""
    parser = argparse.ArgumentParser(description="Start or stop an Apache Kafka broker on this machine.")
    parser.add_argument("verb", choices=["start", "stop", "fetch"])
    parser.add_argument("--dir", default=str(PROJECT / ".kafka" / "broker"), help="data and log of this broker")
    parser.add_argument("--port", type=int, default=None, help="default: a free one")
    said = parser.parse_args()
    try:
        if said.verb == "stop":
            _stop_by_pid(Path(said.dir).resolve())
        elif said.verb == "fetch":
            jars()
        else:
            broker = start(said.dir, said.port, owned=False)
            print(json.dumps({"bootstrap": broker.bootstrap, "pid": broker.pid, "dir": str(broker.dir)}))
    except (BrokerFailed, OSError) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
