"""Finds the composite indexes that a query needs.

Firestore maintains an index of each single field automatically. A query that filters by one field and sorts by another
needs an index of both, and each side of an "or" counts as a separate query. The emulator needs no indexes.
https://firebase.google.com/docs/firestore/query-data/index-overview
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from google.cloud.firestore import AsyncQuery, Query
from google.cloud.firestore_v1.types.query import StructuredQuery

_NAME = "__name__"
_EQUAL = {"EQUAL", "IN", "ARRAY_CONTAINS"}
_KNOWN = {*_EQUAL, "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"}


@dataclass(frozen=True)
class Index:
    """An index. `equal`: fields compared for equality, in any order. `order`: sort fields, with their directions."""

    collection: str
    equal: frozenset[str]
    order: tuple[tuple[str, str], ...]

    @property
    def is_single_field(self) -> bool:
        """Whether Firestore's automatic indexes suffice: for one field, or for several that are only compared."""
        return not self.order or (len(self.order) == 1 and not self.equal)

    @property
    def fields(self) -> set[str]:
        return {*self.equal, *(field for field, _ in self.order)}


def needed_indexes(query: AsyncQuery | Query, sums: Sequence[str] = ()) -> Iterator[Index]:
    """Yields an index for each side of an "or", even if it is single-field. `sums`: fields that are added up."""
    structured: StructuredQuery = query._to_protobuf()  # pyright: ignore[reportPrivateUsage, reportAssignmentType]
    (source,) = structured.from_
    order = [(part.field.field_path, part.direction.name) for part in structured.order_by]
    order += [(field, "ASCENDING") for field in sums]
    for conjunction in _list_disjuncts(structured.where):
        equal = {field for field, operator in conjunction if operator in _EQUAL}
        unequal = {field for field, operator in conjunction if operator not in _EQUAL}
        assert len(unequal) <= 1, "queries with several ranges are not supported here, since the store has none"
        whole = [(field, "ASCENDING") for field in unequal if field not in dict(order)] + order
        if whole and whole[-1][0] == _NAME and (len(whole) == 1 or whole[-1][1] == whole[-2][1]):
            whole.pop()  # every index ends with the name, in the direction of the field before it
        yield Index(source.collection_id, frozenset(equal - dict(whole).keys()), tuple(whole))


def declared_index(entry: dict[str, Any], equal: int) -> Index:
    """Reads an index in `firestore.indexes.json`, whose first `equal` fields are compared for equality."""
    assert entry["queryScope"] == "COLLECTION"
    fields = [(field["fieldPath"], field["order"]) for field in entry["fields"]]
    return Index(entry["collectionGroup"], frozenset(name for name, _ in fields[:equal]), tuple(fields[equal:]))


def _list_disjuncts(filter_: StructuredQuery.Filter) -> Iterator[list[tuple[str, str]]]:
    """Yields each "and" of the filter as an "or" of "and"s: a list of fields and operators."""
    kind = StructuredQuery.Filter.pb(filter_).WhichOneof("filter_type")
    if kind is None:
        yield []
    elif kind == "field_filter":
        operator = filter_.field_filter.op.name
        assert operator in _KNOWN, f"{operator} is not supported here, since the store does not use it"
        yield [(filter_.field_filter.field.field_path, operator)]
    else:
        assert kind == "composite_filter", f"{kind} is not supported here, since the store does not use it"
        parts = [list(_list_disjuncts(part)) for part in filter_.composite_filter.filters]
        if filter_.composite_filter.op.name == "OR":
            for part in parts:
                yield from part
        else:
            for combination in product(*parts):
                yield [piece for part in combination for piece in part]
