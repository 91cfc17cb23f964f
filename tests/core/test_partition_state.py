"""A partition's state asks its store no more than it must."""

from __future__ import annotations

from agents.adapters.faust_state import Coder, PartitionState, value_of
from agents.adapters.faust_store import MemoryPartition


class Counted(MemoryPartition):
    """A store that counts what it is asked."""

    asked = 0

    def get(self, key: bytes) -> bytes | None:
        self.asked += 1
        return super().get(key)


def test_a_key_that_is_new_is_looked_for_on_disk_once() -> None:
    """Every event's key is new to intake: looking for it again before it is put would double the reads."""
    store = Counted()
    state: PartitionState[bytes] = PartitionState(store, Coder(bytes, bytes))
    assert state.get("new") is None
    state.put("new", b"1")
    assert store.asked == 1
    state.keep()
    state.done()
    assert value_of(state.leave()[b"new"]) == (1, b"1")


def test_what_a_failed_step_did_not_find_is_looked_for_again() -> None:
    """Between two steps another batch's state may have come to the disk."""
    store = Counted()
    state: PartitionState[bytes] = PartitionState(store, Coder(bytes, bytes))
    assert state.get("key") is None
    state.discard()
    store.write({b"key": (6).to_bytes(8) + b"before"}, 0)
    state.put("key", b"after")
    state.keep()
    state.done()
    assert value_of(state.leave()[b"key"]) == (7, b"after")
