"""Names of things. All are opaque strings: none can be turned back into an identifier of a person."""

from __future__ import annotations

from typing import NewType

PersonId = NewType("PersonId", str)  # "p_" + 32 characters, minted by the resolver
FamilyId = NewType("FamilyId", str)  # "f_" + 32 characters, minted by the resolver
EventKey = NewType("EventKey", str)  # HMAC of (source, id[, type]) under the hub's key
ItemId = NewType("ItemId", str)  # event key + "." + person id: an item is (person, source, id)
PractitionerId = NewType("PractitionerId", str)  # HMAC of the practitioner's id as their agency knows it
Pseudonym = NewType("Pseudonym", str)  # HMAC of one identifier: a look-up key, never an id


def item_id(event: EventKey, person: PersonId) -> ItemId:
    """Return the id of the part of `event` that is about `person`."""
    return ItemId(f"{event}.{person}")
