"""A partition's fetched records as one Faust event, and commits that never pass what was worked through.

Faust hands records out one by one, which costs ten times what working through them does. Here the consumer yields,
for the stage topics, one message per partition and fetch: its offset is the last record's, its value a `Batch`.

Three habits of Faust and its driver would lose records, found by killing workers (tests/live):

- Faust acknowledges what it skips in a rebalance. Only a batch that its stage finished counts here.
- Faust takes the highest acknowledged offset for reached. Here a batch must join on to what is finished already:
  `_reach` is the end of an unbroken run of finished batches.
- A fetch may come back after a seek, from before it; and the driver does not seek at all where nothing was committed
  yet. Here every seek goes to a known offset and has a number, and a fetch carries the number it was made under.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, ack_lock

from agents.faults import boundary
from schemas.records import Record

_FETCH_WAIT_MS = 50  # a partition whose turn was just missed waits this long at most, not the driver's 1.5 s
_RECOVERY_POLL_SECONDS = 0.1
_AHEAD = 2  # batches of a partition handed out and not worked through: one in hand, one to go on with
_BUSY_POLL_SECONDS = 0.01


class Batch:
    """Consecutive records of one partition. `start` is the offset that the partition's previous batch ended at.

    `seek` is the number of the seek that the reading began with. `finished` is set when every effect of the batch is
    acknowledged; nothing else lets its offsets be committed.
    """

    __slots__ = ("finished", "records", "seek", "start")

    def __init__(self, seek: int, start: int, records: list[Record]) -> None:
        self.seek = seek
        self.start = start
        self.records = records
        self.finished = False

    @property
    def end(self) -> int:
        """The offset behind the last record."""
        return self.records[-1].offset + 1


class Fetched(dict[TP, list[Any]]):
    """What one fetch brought, by partition, and the number of the last seek before it."""

    seek = 0


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The consumer's own thread (heartbeats go on while a stage works), which reads committed records only."""

    seek_number = 0
    sought: Mapping[TP, int] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust passes neither: a zombie's aborted state must not be recovered, and 1.5 s is a long time to wait.
        # Crossing the driver's privates is safe as aiokafka reads both only when it starts.
        if self.consumer.app.hearth_committed_only:
            consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def _fetch_records(self, *arguments: Any, **named: Any) -> Fetched:
        fetched = Fetched(await super()._fetch_records(*arguments, **named))
        fetched.seek = self.seek_number  # nothing can run between the fetcher's return and here
        return fetched

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek the stage partitions to their committed offsets, or to the beginning where nothing is committed."""
        return await self.call_thread(self._seek_to_committed)

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        stages = [tp for tp in consumer.assignment() if tp.topic in self.consumer.app.hearth_stage_topics]
        offsets = {tp: await consumer.committed(tp) for tp in stages}
        new = [tp for tp, offset in offsets.items() if offset is None]
        offsets.update(await consumer.beginning_offsets(new) if new else {})
        for tp, offset in offsets.items():
            consumer.seek(tp, offset)
        self.sought = {TP(*tp): offset for tp, offset in offsets.items()}
        self.seek_number += 1
        return self.sought

    def position_now(self, tp: TP) -> int | None:
        """Return the offset that the next fetch of `tp` starts at, without asking the broker."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription else None
        state = assignment.state_value(tp) if assignment else None
        return state._position if state else None


class Consumer(driver.Consumer):
    """Faust's consumer with batches for `app.hearth_stage_topics`; everything else as it was."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seek_number = 0
        self._next: dict[TP, int] = {}
        self._reach: dict[TP, int] = {}
        self._ahead: Counter[TP] = Counter()
        self._room = asyncio.Event()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # ------------------------------------------------------------------ reading

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Yield a partition's whole fetch as one message on stage topics, record by record elsewhere.

        The checks are Faust's own: nothing is yielded once the flow stopped, the generation changed or the
        partition is no longer active, and a fetch that came back into a stopped flow seeks back.
        """
        recovering = self.app.in_recovery
        fetched, active = await self._wait_next_records(_RECOVERY_POLL_SECONDS if recovering else timeout)
        generation = self.app.consumer_generation_id
        if fetched is None or self.should_stop:
            return
        if not self.flow_active:
            await self._seek_back()
            return
        for tp, records in self._grouped(fetched):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is None or tp in active or tp in self._buffered_partitions:
                self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                if tp.topic in self.app.hearth_stage_topics:
                    yield tp, self._batch(tp, records)
                else:
                    yield tp, self._to_message(tp, records[0])
        if self.flow_active and self.app.consumer_generation_id == generation:  # else positions are of before a seek
            for tp, offset in self._passed_markers() if recovering else ():
                yield tp, _message(self.app, tp, offset, None)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:
        """Leave a partition alone while it is ahead: what arrives meanwhile becomes one larger batch.

        Faust's own way, a bound on its queue, counts batches of one record as it counts full ones, and when it is
        reached for every partition the consumer sleeps for a second.
        """
        self._room.clear()
        full = {tp for tp, count in self._ahead.items() if count >= _AHEAD}
        if active_partitions is None or not full:
            return await super()._getmany(active_partitions, timeout)
        ready = active_partitions - full
        if ready:
            return await super()._getmany(ready, _BUSY_POLL_SECONDS)
        await self.wait(self._room, timeout=_RECOVERY_POLL_SECONDS)
        return Fetched()

    def worked(self, tp: TP, batch: Batch) -> None:
        """A batch that was handed out is worked through, or dropped: there is room for another."""
        if batch.seek == self._seek_number:
            self._ahead[tp] -= 1
            self._room.set()

    def _grouped(self, fetched: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, list[Any]]]:
        stages = self.app.hearth_stage_topics
        if isinstance(fetched, Fetched) and self._begin_seek(fetched.seek):
            for tp, records in fetched.items():
                if tp.topic in stages:
                    yield TP(*tp), records
        singly = {tp: records for tp, records in fetched.items() if tp.topic not in stages}
        for tp, record in self.scheduler.iterate(singly):
            yield TP(*tp), [record]

    def _begin_seek(self, number: int) -> bool:
        """Tell whether a fetch made under seek `number` may be handed out, and start anew when it is the first."""
        if number != self._thread.seek_number or not number:
            return False  # a later seek will have it fetched again
        if number != self._seek_number:
            self._seek_number = number
            self._next = dict(self._thread.sought)
            self._reach = dict(self._thread.sought)
            self._ahead.clear()
            self._read_offset.update({tp: offset or None for tp, offset in self._thread.sought.items()})
        return True

    def _batch(self, tp: TP, records: list[Any]) -> ConsumerMessage:
        batch = Batch(self._seek_number, self._next[tp], [_record(tp, record) for record in records])
        self._next[tp] = batch.end
        self._ahead[tp] += 1
        return _message(self.app, tp, records[-1].offset, batch)

    async def _seek_back(self) -> None:
        self.log.info("a fetch came back into a stopped flow: seeking back to the committed offsets")
        try:
            await self.perform_seek()
        except (driver.KafkaError, driver.IllegalStateError, TimeoutError) as wrong:
            self.log.warning("seeking back failed, the rebalance will do it: %s", type(wrong).__name__)

    # ------------------------------------------------------------------ recovery past control records

    def _passed_markers(self) -> list[tuple[TP, int]]:
        """Return changelog partitions whose last record is a transaction's marker that has been read past.

        Faust waits for a record at the end of the changelog; a marker is none, and it would wait for ever.
        """
        recovery = self.app.tables.recovery
        passed = []
        for tp in recovery.active_tps:
            last = recovery.active_highwaters.get(tp)
            have = recovery.active_offsets.get(tp)
            position = self._thread.position_now(tp)
            if last is not None and have is not None and position is not None and have < last < position:
                passed.append((tp, last))
        return passed

    # ------------------------------------------------------------------ acknowledging

    def ack(self, message: ConsumerMessage) -> bool:
        """Count a finished batch as done; ignore one that Faust skipped, or that an older generation finished."""
        batch = message.value
        if not isinstance(batch, Batch):
            return super().ack(message)
        if not batch.finished or message.generation_id != self.app.consumer_generation_id:
            return False
        with ack_lock:
            message.acked = True
            self._unacked_messages.discard(message)
            tp = message.tp
            if batch.seek == self._seek_number and self._reach.get(tp) == batch.start:
                self._reach[tp] = batch.end
                self._acked[tp] = [batch.end - 1]
        return True

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if tp.topic not in self.app.hearth_stage_topics:
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic not in self.app.hearth_stage_topics:
            return super()._new_offset(tp)
        return self._reach.get(tp)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        done = await super()._commit(offsets)
        if done:
            boundary("commit")
        return done


class Transport(driver.Transport):
    """Faust's aiokafka transport with the consumer above; the app says `hearth_stage_topics`."""

    Consumer = Consumer


def _message(app: Any, tp: TP, offset: int, value: Batch | None) -> ConsumerMessage:
    return ConsumerMessage(
        tp.topic, tp.partition, offset, 0.0, 0, (), None, value, None, 0, 0, tp,
        generation_id=app.consumer_generation_id,
    )  # fmt: skip


def _record(tp: TP, record: Any) -> Record:
    return Record(
        tp.topic, record.key, record.value, tuple(record.headers), tp.partition, record.offset, record.timestamp
    )
