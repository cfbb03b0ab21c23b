"""Counts without reading documents: Firestore counts index entries, at one read per thousand entries."""

from typing import Any

from google.cloud.firestore import AsyncCollectionReference, AsyncQuery


async def count_up_to(query: AsyncQuery | AsyncCollectionReference, limit: int) -> int:
    """Counts the documents that match the query, up to `limit`."""
    return int((await _aggregate(query.limit(limit).count(alias="count")))["count"])


async def count_and_sum(query: AsyncQuery, field: str) -> tuple[int, int]:
    """Counts the documents that match the query, and adds up `field` over those that have it."""
    totals = await _aggregate(query.count(alias="count").sum(field, alias="sum"))
    return int(totals["count"]), int(totals["sum"])


async def _aggregate(aggregation: Any) -> dict[str, Any]:
    (results,) = await aggregation.get()
    return {result.alias: result.value for result in results}
