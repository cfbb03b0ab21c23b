"""A bounded dictionary forgets its oldest entries."""

from shared.bounded_dict import BoundedDict


def test_the_oldest_entry_makes_room_for_a_new_one() -> None:
    """A new key drops the oldest entry. A new value for a known key drops nothing."""
    entries = BoundedDict[str, int](2)
    entries["a"] = 1
    entries["b"] = 2
    entries["a"] = 3
    assert entries == {"a": 3, "b": 2}
    entries["c"] = 4
    assert entries == {"b": 2, "c": 4}
