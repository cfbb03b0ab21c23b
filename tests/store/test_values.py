"""Documents keep their values when they are written and read, like those that the client library writes and reads."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore import AsyncDocumentReference
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.types import Document
from hypothesis import given
from hypothesis import strategies as st

from shared.store import Database, Transaction
from shared.store.transaction import read
from shared.store.values import decode_fields, encode_fields

_NAMES = st.text(min_size=1, max_size=20)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=100)
    | st.binary(max_size=20)
    | st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=20,
)
_DOCUMENTS = st.dictionaries(_NAMES, _VALUES, max_size=6)


def encode(document: dict[str, Any]) -> Any:
    message = Document.pb()()
    encode_fields(document, message.fields)
    return message


@given(_DOCUMENTS)
def test_values_are_encoded_as_by_the_client_library(document: dict[str, Any]) -> None:
    """The messages equal those that the client library builds."""
    assert encode(document) == Document.pb(Document(fields=_helpers.encode_dict(document)))


@given(_DOCUMENTS)
def test_values_are_decoded_as_they_were_encoded(document: dict[str, Any]) -> None:
    """Decoding returns what was encoded, and what the client library returns."""
    message = encode(document)
    assert decode_fields(message.fields) == document
    assert decode_fields(message.fields) == _helpers.decode_dict(Document.wrap(message).fields, None)


def test_a_value_that_firestore_cannot_store_is_refused() -> None:
    """A value of an unknown type raises an error that names the type."""
    with pytest.raises(TypeError, match="type object"):
        encode({"x": object()})


async def test_documents_are_the_same_to_the_client_library(database: Database) -> None:
    """The client library reads what a transaction wrote, and the other way round."""
    reference: AsyncDocumentReference = database._client.collection("things").document("é ü")  # pyright: ignore[reportPrivateUsage]
    document = {
        "text": "🙂",
        "time": datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
        "list": [{"a": [1.5, None]}],
        "no": {},
    }

    async def write(transaction: Transaction) -> None:
        assert await transaction.get(reference) is None
        transaction.set(reference, document)

    await database.transaction(write)
    stored = (await reference.get()).to_dict() or {}
    stored.pop("commits")
    assert stored == document
    await reference.set({**document, "more": 1})
    assert await read(reference, None) == {**document, "more": 1}
