"""A National Events message: its header, its resources, and how its events are made."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

import msgspec

from agents.partners import dates, people
from agents.partners.markup import child, children, local
from agents.partners.nems_patient import find, value
from agents.partners.taken import Options, Problem, Taken, Unused
from schemas.records import Remark

SOURCE = "hearth:file/nhs-nems"


class Message(msgspec.Struct, frozen=True):
    """A message: its header, its other resources by full URL, its kind and its dates."""

    header: Element
    resources: dict[str, Element]
    kind: str
    action: str
    happened: datetime
    recorded: datetime
    options: Options
    remarks: list[Remark]

    def all(self, name: str) -> list[Element]:
        """Return the resources of one kind."""
        return [r for r in self.resources.values() if local(r) == name]

    def make(
        self,
        kind: str,
        persons: list[dict[str, Any]],
        happened: datetime | None = None,
        tier: str = "normal",
        /,
        **data: Any,
    ) -> Taken:
        """Return the message's event; an update corrects what was sent first under its id, a delete takes it back."""
        first = f"{people.record_id(self.options, value(self.header, 'id'))}/{self.kind}"
        mends = {"update": {"corrects": first}, "delete": {"retracts": first}}.get(self.action, {})
        again = people.event_id(self.options, "nems", first, self.action, self.recorded.isoformat())
        about = people.about(persons, happened or self.happened, self.recorded, tier=tier, **mends)
        event = people.event(self.options, kind, SOURCE, {"about": about, **data}, id=again if mends else first)
        return Taken("MessageHeader", event, self.remarks)


def message_in(bundle: Element, options: Options) -> Message:
    """Return the message in a Bundle. Raises Unused where there is none."""
    resources: dict[str, Element] = {}
    for count, entry in enumerate(children(bundle, "entry")):
        holder = child(entry, "resource")
        for resource in holder if holder is not None else ():
            resources[value(entry, "fullUrl") or f"#{count}"] = resource
    header = next((r for r in resources.values() if local(r) == "MessageHeader"), None)
    if header is None:
        raise no("MessageHeader", "not-a-message", "There is no MessageHeader", "Send the whole message")
    recorded, happened = (dates.instant(value(header, *path)) for path in (("meta", "lastUpdated"), ("timestamp",)))
    if recorded is None and happened is None:
        raise no("MessageHeader.meta.lastUpdated", "no-time", "Nothing says when this was sent", "Send lastUpdated")
    at = recorded or happened
    action = find(header, "MessageEventType", "code") or "new"
    return Message(header, resources, value(header, "event", "code"), action, happened or at, at, options, [])  # type: ignore[arg-type]


def no(path: str, code: str, problem: str, fix: str) -> Unused:
    """Return the reason why a message gives no event."""
    return Unused(Problem("message", path, code, problem, fix))
