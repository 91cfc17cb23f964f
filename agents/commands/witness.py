"""`hearth witness`: cosigns a log's heads, on another machine and in other hands than the hub's. It needs no hub."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from agents.commands.shell import Exit, Stop, line, say
from consent.log.checkpoint import COSIGNATURE, ED25519, VerifierKey, parse_verifier_keys, verifier_key
from consent.log.trust import is_policy, parse_trust
from schemas.errors import Misconfigured

app = typer.Typer(no_args_is_help=True, help="Witness logs: cosign each head that only adds to the last one.")

Directory = Annotated[
    Path, typer.Option("--dir", help="Where its key is, and the last head of each log. Never put an old copy back.")
]
Name = Annotated[str, typer.Option("--name", help="Its name: an address without https://.", show_default=False)]
Logs = Annotated[Path, typer.Option("--logs", help="File with the logs' public keys, one a line.", show_default=False)]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.")]


@app.command()
def key(name: Name, directory: Directory = Path("witness")) -> None:
    """Print the witness's public key, as a hub's policy and auditors want it; the first call makes the key."""
    from agents.witness import load_key

    try:
        line(str(verifier_key(name, load_key(directory), COSIGNATURE)))
    except Misconfigured as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None


@app.command()
def run(
    name: Name,
    logs: Logs,
    directory: Directory = Path("witness"),
    host: Host = "127.0.0.1",
    port: Port = 8490,
) -> None:
    """Answer logs (POST /add-checkpoint) and everybody (GET /HASH/checkpoint, SHA-256 of the origin) until Ctrl-C."""
    from agents.witness import Witness, load_key
    from agents.witness_http import serve

    try:
        known = _logs(logs)
        witness = Witness(directory, name, load_key(directory), known, lambda: int(time.time()))
        say(f"{witness.key} watches {len(known)} logs at http://{host}:{port}. Stop with Ctrl-C.")
        serve(witness, host, port)
        witness.close()
    except Misconfigured as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None


def _logs(file: Path) -> list[VerifierKey]:
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise Misconfigured(f"{file} cannot be read ({type(wrong).__name__})") from None
    keys = parse_trust(text).logs if is_policy(text) else parse_verifier_keys(text)
    logs = {key.name: key for key in keys if key.kind == ED25519}
    if not logs or len(logs) != len(keys):
        raise Misconfigured(f"{file} is to hold public keys of logs, one for each log")
    return list(logs.values())
