"""`make bench`: how fast the hub is, on real Kafka, beside Quix Streams and a bare loop. Medians, in one table.

    python -m tests.bench [--json] [--quick] [--only a,b,c,d,e] [--repeats N]

HEARTH_BENCH_EVENTS: how many events the whole hub works through (60,000).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from rich.console import Console

from tests.bench import families, light, log, piped, whole
from tests.bench.ground import Failed, Ground, ground
from tests.bench.report import Figures, show

PARTS: dict[str, tuple[str, Callable[[Ground, int], Figures]]] = {
    "a": ("(a) light job", light.run),
    "b": ("(b) whole hub, sealing and log on", whole.run),
    "c": ("(c) the same pipeline on Quix Streams", piped.run),
    "d": ("(d) family stage, many families", families.run),
    "e": ("(e) the log, on disk; a decision, in memory", log.run),
}


def main() -> int:
    """Run what was asked for; 0 when it ran, whatever the figures are."""
    said = _arguments()
    console = Console(stderr=True)
    parts: dict[str, Figures] = {}
    with console.status("") as status, ground(_progress(console, status.update), said.quick) as here:
        for letter in said.only:
            title, run = PARTS[letter]
            try:
                parts[title] = run(here, said.repeats)
            finally:
                here.rest()
    if said.json:
        print(json.dumps({title: figures.as_json() for title, figures in parts.items()}, indent=1))
    else:
        show(parts, Console(width=None if sys.stdout.isatty() else 120))
    return 0


def _progress(console: Console, update: Callable[[str], None]) -> Callable[[str], None]:
    """Show progress on one line of a terminal; elsewhere a line each."""
    return update if console.is_terminal else lambda text: print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true", help="figures of every run, on standard output")
    parser.add_argument("--quick", action="store_true", help="small and once: shows that it runs, tells no speed")
    parser.add_argument("--only", default="a,b,c,d,e", help="which parts (%(default)s)")
    parser.add_argument("--repeats", type=int, default=0, help="runs of each (3; 1 when quick)")
    said = parser.parse_args()
    said.only = [letter for letter in said.only.split(",") if letter in PARTS]
    said.repeats = said.repeats or (1 if said.quick else 3)
    return said


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as why:
        print(why, file=sys.stderr)
        sys.exit(1)
