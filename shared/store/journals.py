"""Journals: `tickets/{id}/journal/{n}` stores a segment of a run's journal. Only functions can read it.

Each segment is written once. Firestore's TTL on `expire_at` deletes it when its run is deleted, at the earliest.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncCollectionReference, AsyncQuery
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.models.journal import LogLine, Segment, lines_of, steps_of
from shared.store.deletion import delete_documents
from shared.store.targets import NumberedTarget
from shared.store.transaction import Transaction
from shared.store.watching import listeners

_TEXT = ["n", "attempt", "text"]
_WITHOUT_TEXT = ["n", "attempt", "steps", "logs"]


class JournalStore:
    """Reads and writes the journals of runs."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def _segments(self, run_id: str) -> AsyncCollectionReference:
        return self._client.collection("tickets").document(run_id).collection("journal")

    def add_in(self, transaction: Transaction, run_id: str, segments: Sequence[Segment], expire_at: datetime) -> None:
        """Writes new segments in a transaction. One write each."""
        for segment in segments:
            document: dict[str, Any] = {"n": segment.n, "attempt": segment.attempt, "text": segment.text}
            if segment.steps:
                document["steps"] = steps_of.dump_json(segment.steps, exclude_defaults=True).decode()
            if segment.logs:
                document["logs"] = lines_of.dump_json(segment.logs).decode()
                document["log_n"] = segment.n
            transaction.create(self._segments(run_id).document(str(segment.n)), {**document, "expire_at": expire_at})

    async def read(self, run_id: str) -> list[Segment]:
        """Returns all segments in their order, without steps and logs, which a continued run does not need.

        One query, and one read per segment, at least one.
        """
        return await _fetch(self._segments(run_id).order_by("n").select(_TEXT))

    async def read_steps(self, run_id: str, limit: int) -> list[Segment]:
        """Returns the segments in their order, without their text. One query, and one read each, at least one."""
        return await _fetch(self._segments(run_id).order_by("n").limit(limit).select(_WITHOUT_TEXT))

    async def read_logs(self, run_id: str) -> list[LogLine]:
        """Returns the lines that the run has printed. One query, and one read for each segment that has any."""
        segments = await _fetch(self._segments(run_id).order_by("log_n").select(_WITHOUT_TEXT))
        return [line for segment in segments for line in segment.logs]

    async def read_after(self, run_id: str, after: int, limit: int) -> list[Segment]:
        """Returns the segments with higher numbers than `after`, without their text. One read each, at least one."""
        query = self._segments(run_id).where(filter=FieldFilter("n", ">", after)).order_by("n").limit(limit)
        return await _fetch(query.select(_WITHOUT_TEXT))

    def watch(self, run_id: str, after: int, on_segment: Callable[[Segment], None]) -> AbstractContextManager[None]:
        """Calls `on_segment` in the event loop with each segment that has a higher number than `after`.

        It is called once for each segment, in the order of the numbers, first with the segments that exist, until the
        block ends. One read each, at least one.
        """

        def take(fields: Mapping[str, Any]) -> None:
            on_segment(_from_document(fields))

        return listeners(self._client).watch(NumberedTarget(self._segments(run_id), after, take))

    async def delete(self, run_id: str, limit: int) -> None:
        """Deletes segments of a run, at most `limit`. See `delete_documents`."""
        await delete_documents(self._client, self._segments(run_id).select([]).order_by("__name__"), limit)


async def _fetch(query: AsyncQuery) -> list[Segment]:
    return [_from_document(snapshot.to_dict() or {}) for snapshot in await query.get()]


def _from_document(fields: Mapping[str, Any]) -> Segment:
    return Segment(
        n=fields["n"],
        attempt=fields["attempt"],
        text=fields.get("text", ""),
        steps=steps_of.validate_json(fields.get("steps") or "[]"),
        logs=lines_of.validate_json(fields.get("logs") or "[]"),
    )
