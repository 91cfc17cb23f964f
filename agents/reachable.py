"""To whom what is told goes: every practitioner has a subscriber that can be reached, within its own clearance."""

from __future__ import annotations

import msgspec

from agents.adapters.keys import Subscriber
from schemas.ids import PractitionerId
from schemas.people import KnownPractitioner
from streams.identity.directory import Directory
from streams.recipients import TIERS

DUTY = "duty"  # the subscriber that serves every team that is none


class Reachable:
    """A directory in which every practitioner can be reached: a team that is no subscriber is served by duty's.

    A subscriber's own clearance bounds what is sent to it, whatever its practitioners are cleared for.
    """

    def __init__(self, behind: Directory, subscribers: dict[str, Subscriber]) -> None:
        self.identify, self.person, self.family = behind.identify, behind.person, behind.family
        self._practitioner, self._subscribers = behind.practitioner, subscribers

    def practitioner(self, practitioner: PractitionerId) -> KnownPractitioner | None:
        found = self._practitioner(practitioner)
        if found is None:
            return None
        subscriber = found.subscriber if found.subscriber in self._subscribers else DUTY
        bound = self._subscribers[subscriber].clearance
        clearance = min(found.clearance, bound, key=TIERS.index)
        if (subscriber, clearance) == (found.subscriber, found.clearance):
            return found
        return msgspec.structs.replace(found, subscriber=subscriber, clearance=clearance)
