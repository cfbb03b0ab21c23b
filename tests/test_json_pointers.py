"""Tests JSON Pointers in URL fragments, within one document."""

import pytest

from shared.json_pointers import follow_pointer

DOCUMENT = {"a": [1, {"b": 2}], "x/y": 3, "x~y": 4, "%25": 5, "ü": 6, "": 7, "text": "abc", "nothing": None}


@pytest.mark.parametrize(
    ("pointer", "target"),
    [
        ("#", DOCUMENT),
        ("#/a/0", 1),
        ("#/a/1/b", 2),
        ("#/x~1y", 3),
        ("#/x~0y", 4),
        ("#/%25", 5),
        ("#/%C3%BC", 6),
        ("#/", 7),
        ("#/nothing", None),
    ],
)
def test_a_pointer_leads_to_its_target(pointer: str, target: object) -> None:
    """A pointer leads to its target. Escapes are decoded, but a key that itself looks like an escape is found as
    well."""
    assert follow_pointer(DOCUMENT, pointer) == target


@pytest.mark.parametrize(
    "pointer",
    [
        *("", "/a", "a", "#a", "other.json#/a", "https://host.example/#/a"),
        *("#/b", "#/a/2", "#/a/-1", "#/a/x", "#/a/²", f"#/a/{'9' * 5000}", "#/text/0", "#/nothing/b"),
    ],
)
def test_a_pointer_that_leads_nowhere_or_elsewhere_is_refused(pointer: str) -> None:
    """A pointer that leads nowhere or to another document raises a `LookupError`, however unusual it is."""
    with pytest.raises(LookupError):
        follow_pointer(DOCUMENT, pointer)
