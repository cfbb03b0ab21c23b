"""Determines the composite indexes that a query needs.

Firestore maintains an index for each single field automatically. A query that filters by one field and sorts by another
needs an index for both. Each side of an "or" counts as a separate query. The emulator needs no indexes.
https://firebase.google.com/docs/firestore/query-data/index-overview
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from google.cloud.firestore import AsyncQuery, Query
from google.cloud.firestore_v1.types.query import StructuredQuery

_NAME = "__name__"
_EQUALITY = {"EQUAL", "IN", "ARRAY_CONTAINS"}
_SUPPORTED_OPERATORS = {*_EQUALITY, "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"}


@dataclass(frozen=True)
class Index:
    """An index. `equal`: the fields that are compared for equality. `order`: the fields to sort by, with their
    directions."""

    collection: str
    equal: frozenset[str]
    order: tuple[tuple[str, str], ...]

    @property
    def is_single_field(self) -> bool:
        """Whether Firestore's automatic indexes suffice: there is only one field, or fields are only compared for
        equality."""
        return not self.order or (len(self.order) == 1 and not self.equal)

    @property
    def fields(self) -> set[str]:
        return {*self.equal, *(field for field, _ in self.order)}


def needed_indexes(query: AsyncQuery | Query, sums: Sequence[str] = ()) -> Iterator[Index]:
    """Yields the index for each side of an "or", even if it has only one field. `sums`: the fields that are summed."""
    structured_query: StructuredQuery = query._to_protobuf()  # pyright: ignore[reportPrivateUsage, reportAssignmentType]
    (source,) = structured_query.from_
    order = [(part.field.field_path, part.direction.name) for part in structured_query.order_by]
    order += [(field, "ASCENDING") for field in sums]
    for conjunction in _list_disjuncts(structured_query.where):
        equal = {field for field, operator in conjunction if operator in _EQUALITY}
        unequal = {field for field, operator in conjunction if operator not in _EQUALITY}
        assert len(unequal) <= 1, "queries with several ranges are not supported here, because the store has none"
        full_order = [(field, "ASCENDING") for field in unequal if field not in dict(order)] + order
        if (
            full_order
            and full_order[-1][0] == _NAME
            and (len(full_order) == 1 or full_order[-1][1] == full_order[-2][1])
        ):
            full_order.pop()  # every index ends with the document name, in the direction of the preceding field
        yield Index(source.collection_id, frozenset(equal - dict(full_order).keys()), tuple(full_order))


def declared_index(entry: dict[str, Any], equal: int) -> Index:
    """Returns the index of an entry in `firestore.indexes.json` whose first `equal` fields are compared for
    equality."""
    assert entry["queryScope"] == "COLLECTION"
    fields = [(field["fieldPath"], field["order"]) for field in entry["fields"]]
    return Index(entry["collectionGroup"], frozenset(name for name, _ in fields[:equal]), tuple(fields[equal:]))


def _list_disjuncts(filter_: StructuredQuery.Filter) -> Iterator[list[tuple[str, str]]]:
    """Converts the filter to an "or" of "and"s, and yields each "and" as a list of fields and operators."""
    kind = StructuredQuery.Filter.pb(filter_).WhichOneof("filter_type")
    if kind is None:
        yield []
    elif kind == "field_filter":
        operator = filter_.field_filter.op.name
        assert operator in _SUPPORTED_OPERATORS, f"{operator} is not supported here, because the store does not use it"
        yield [(filter_.field_filter.field.field_path, operator)]
    else:
        assert kind == "composite_filter", f"{kind} is not supported here, because the store does not use it"
        parts = [list(_list_disjuncts(part)) for part in filter_.composite_filter.filters]
        if filter_.composite_filter.op.name == "OR":
            for part in parts:
                yield from part
        else:
            for combination in product(*parts):
                yield [condition for part in combination for condition in part]
