"""Counting without reading documents: Firestore counts in its indexes, at one read for a thousand entries."""

from typing import Any

from google.cloud.firestore import AsyncCollectionReference, AsyncQuery


async def count_up_to(query: AsyncQuery | AsyncCollectionReference, most: int) -> int:
    """How many documents the query finds; it stops counting at `most`."""
    return int((await _aggregate(query.limit(most).count(alias="count")))["count"])


async def count_and_sum(query: AsyncQuery, field: str) -> tuple[int, int]:
    """How many documents the query finds, and the sum of `field` over those that have it."""
    found = await _aggregate(query.count(alias="count").sum(field, alias="sum"))
    return int(found["count"]), int(found["sum"])


async def _aggregate(aggregation: Any) -> dict[str, Any]:
    (results,) = await aggregation.get()
    return {result.alias: result.value for result in results}
