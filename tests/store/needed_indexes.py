"""Which composite indexes a query needs: https://firebase.google.com/docs/firestore/query-data/index-overview.

Firestore keeps an index of each single field by itself. A query that filters by one field and sorts by another needs
one of both; each side of an "or" is a query of its own. The emulator runs everything without any.
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
    """`equal`: fields that are compared, in any order; then those that are sorted by, with their directions."""

    collection: str
    equal: frozenset[str]
    order: tuple[tuple[str, str], ...]

    @property
    def is_single_field(self) -> bool:
        """Whether Firestore's own indexes do: of one field, or of several that are only compared."""
        return not self.order or (len(self.order) == 1 and not self.equal)

    @property
    def fields(self) -> set[str]:
        return {*self.equal, *(field for field, _ in self.order)}


def needed(query: AsyncQuery | Query, sums: Sequence[str] = ()) -> Iterator[Index]:
    """One for each side of an "or"; single-field ones too. `sums`: fields that are added up, which are read there."""
    wanted: StructuredQuery = query._to_protobuf()  # pyright: ignore[reportPrivateUsage, reportAssignmentType]
    (source,) = wanted.from_
    order = [(part.field.field_path, part.direction.name) for part in wanted.order_by]
    order += [(field, "ASCENDING") for field in sums]
    for conjunction in _disjuncts(wanted.where):
        equal = {field for field, operator in conjunction if operator in _EQUAL}
        unequal = {field for field, operator in conjunction if operator not in _EQUAL}
        assert len(unequal) <= 1, "several ranges in one query: not used here, so not known here"
        whole = [(field, "ASCENDING") for field in unequal if field not in dict(order)] + order
        if whole and whole[-1][0] == _NAME and (len(whole) == 1 or whole[-1][1] == whole[-2][1]):
            whole.pop()  # every index ends with it, in the direction of the one before
        yield Index(source.collection_id, frozenset(equal - dict(whole).keys()), tuple(whole))


def declared(entry: dict[str, Any], equal: int) -> Index:
    """One of `firestore.indexes.json`, of which the first `equal` fields are compared."""
    assert entry["queryScope"] == "COLLECTION"
    fields = [(field["fieldPath"], field["order"]) for field in entry["fields"]]
    return Index(entry["collectionGroup"], frozenset(name for name, _ in fields[:equal]), tuple(fields[equal:]))


def _disjuncts(filter_: StructuredQuery.Filter) -> Iterator[list[tuple[str, str]]]:
    """The filter as an "or" of "and"s: of each part its field and operator."""
    kind = StructuredQuery.Filter.pb(filter_).WhichOneof("filter_type")
    if kind is None:
        yield []
    elif kind == "field_filter":
        operator = filter_.field_filter.op.name
        assert operator in _KNOWN, f"{operator}: not used here, so not known here"
        yield [(filter_.field_filter.field.field_path, operator)]
    else:
        assert kind == "composite_filter", f"{kind}: not used here, so not known here"
        parts = [list(_disjuncts(part)) for part in filter_.composite_filter.filters]
        if filter_.composite_filter.op.name == "OR":
            for part in parts:
                yield from part
        else:
            for combination in product(*parts):
                yield [piece for part in combination for piece in part]
