"""`hearth subscriber`: the systems to which alerts are sealed."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated

import typer

from agents.adapters.keys import CLEARANCES, Subscriber, add_subscriber, load_subscribers
from agents.commands.shell import AsJson, Exit, Stop, give, say, table
from agents.commands.tools import tools
from schemas.errors import Misconfigured

app = typer.Typer(no_args_is_help=True, help="Add and list the systems that receive alerts, sealed to their keys.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Letters, digits and hyphens: it names a topic.")],
    public_key: Annotated[Path, typer.Option("--public-key", help="File with its X25519 public key, base64.")],
    clearance: Annotated[str, typer.Option(help=f"One of {', '.join(CLEARANCES)}: bounds what it is sent.")] = "normal",
) -> None:
    """Add a subscriber, or give one a new key or clearance. Its topic is made when the hub starts next."""
    if clearance not in CLEARANCES:
        raise Stop(Exit.USAGE, f"--clearance is one of {', '.join(CLEARANCES)}")
    try:
        key = base64.b64decode(public_key.read_text().strip(), validate=True)
        add_subscriber(tools().settings, Subscriber(name, key, clearance))
    except (OSError, binascii.Error, UnicodeDecodeError):
        raise Stop(Exit.USAGE, "--public-key names a file with base64 of a raw 32-byte X25519 key") from None
    except Misconfigured as wrong:
        raise Stop(Exit.USAGE, str(wrong)) from None
    say(f"added {name}; restart the hub so that its topic is made")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the subscribers with their clearance and public key."""
    found = load_subscribers(tools().settings).values()
    told = [(one.name, one.clearance, base64.b64encode(one.public_key).decode()) for one in found]
    if as_json:
        give([dict(zip(("name", "clearance", "public_key"), one, strict=True)) for one in told])
    else:
        table("Subscribers", ("name", "clearance", "public key"), told)
