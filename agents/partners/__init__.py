"""Partners' files in, CloudEvents out.

`read` yields one `Taken` for each event and one `Problem` for each part that gives none, in the order of the file,
as a stream where the format allows (CSV registers, census XML, JSON lines). A bad part never stops the good ones.
`sniff` tells the format. No problem and no remark ever holds a value from the file.
"""

from __future__ import annotations

from pathlib import Path

from agents.partners import census, classlist, cloudevents, encompass, fhir, nems, register, signals
from agents.partners.sniffing import UNKNOWN, format_of
from agents.partners.source import Source
from agents.partners.taken import Options, Problem, Read, Reader, Taken, refused
from schemas import codec
from schemas.errors import Refusal

__all__ = ["FORMATS", "Options", "Problem", "Taken", "read", "sniff"]

FORMATS: dict[str, Reader] = {
    "register-csv": register.read,
    "class-list-csv": classlist.read,
    "cin-census": census.read,
    "nhs-mns": signals.read,
    "fhir": fhir.read,
    "nhs-nems": nems.read,
    "encompass-json": encompass.read_json,
    "encompass-csv": encompass.read_csv,
    "cloudevents": cloudevents.read,
}


def sniff(content: str | Path | bytes, name: str = "") -> str:
    """Return the format's name, one of `FORMATS`, or `unknown`."""
    return format_of(Source(content, name))


def read(content: str | Path | bytes, name: str, agency: str, options: Options) -> Read:
    """Yield what the file at a path (or these bytes, called `name`) says, each event checked against its contract.

    An event that `agency` may not publish, or whose codes are not valid on its day, is a problem.
    Raises Misconfigured for a column map that cannot be read, or a key below 32 bytes.
    """
    source = Source(content, name)
    chosen = options.format or format_of(source, options.columns)
    reader = FORMATS.get(chosen)
    if reader is None:
        yield _unknown(source, chosen)
        return
    part: Taken | Problem | None = None
    for part in reader(source, agency, options):
        yield _checked(part, agency) if isinstance(part, Taken) else part
    if part is None:
        yield _empty()


def _checked(part: Taken, agency: str) -> Taken | Problem:
    try:
        return Taken(part.where, part.event, [*part.remarks, *codec.check(part.event, agency)])
    except Refusal as refusal:
        return refused(part.where, refusal)


def _unknown(source: Source, chosen: str) -> Problem:
    if chosen == UNKNOWN and not source.head.strip(b"\xef\xbb\xbf \t\r\n\0,;"):
        return _empty()
    return Problem(
        "file",
        "",
        "unknown-format",
        "The file is in no format that the hub reads",
        "Say --format with one of " + ", ".join(FORMATS),
    )


def _empty() -> Problem:
    return Problem("file", "", "empty-file", "The file holds nothing", "Export it again", blank=True)
