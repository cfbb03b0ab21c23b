"""Tests JSON Pointers in URL fragments, within one document."""

import pytest

from shared.json_pointers import follow_pointer, follow_written_pointer

DOCUMENT = {"a": [1, {"b": 2}], "x/y": 3, "x~y": 4, "%25": 5, "ü": 6, "": 7, "text": "abc", "nothing": None}


@pytest.mark.parametrize(
    ("pointer", "target"),
    [
        ("#", DOCUMENT),
        ("#/a/0", 1),
        ("#/a/1/b", 2),
        ("#/x~1y", 3),
        ("#/x~0y", 4),
        ("#/%2525", 5),
        ("#/a%2F0", 1),
        ("#/%C3%BC", 6),
        ("#/", 7),
        ("#/nothing", None),
    ],
)
def test_a_pointer_leads_to_its_target(pointer: str, target: object) -> None:
    """Escapes are decoded, first those of percent, then those of JSON Pointers."""
    assert follow_pointer(DOCUMENT, pointer) == target


@pytest.mark.parametrize(
    "pointer",
    [
        *("", "/a", "a", "#a", "#%2Fa", "%23/a", "other.json#/a", "https://host.example/#/a"),
        *("#/b", "#/a/2", "#/a/-1", "#/a/x", "#/a/²", f"#/a/{'9' * 5000}", "#/text/0", "#/nothing/b"),
    ],
)
def test_a_pointer_that_leads_nowhere_or_elsewhere_is_refused(pointer: str) -> None:
    """A pointer that leads nowhere or to another document raises a `LookupError`, however unusual it is."""
    with pytest.raises(LookupError):
        follow_pointer(DOCUMENT, pointer)


def test_a_written_pointer_may_escape_the_slash_of_a_key() -> None:
    """Descriptions of APIs escape the slashes of their paths in either way, or contain escapes in their keys."""
    document = {"paths": {"/a/{b}": 1, "%25": 2}}
    assert follow_written_pointer(document, "#/paths/%25") == 2
    for pointer in ("#/paths/~1a~1{b}", "#/paths/%2Fa%2F%7Bb%7D", "#/paths/~1a%2F{b}"):
        assert follow_written_pointer(document, pointer) == 1
