"""What a run prints, kept up to a number of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from shared.sandbox.logs import Logs


def _added(most: int, *texts: str) -> list[str]:
    logs = Logs(most)
    for text in texts:
        logs.add(text)
    return logs.lines()


def test_nothing_printed_makes_no_line() -> None:
    """Not one empty line."""
    assert _added(100) == []
    assert _added(100, "") == []


def test_texts_in_pieces_are_lines() -> None:
    """Only line ends part lines; the last end makes no line of its own, and an empty line is one."""
    assert _added(100, "a", "b\nc", "\n") == ["ab", "c"]
    assert _added(100, "\n", "\n", "x") == ["", "", "x"]


def test_dropped_text_is_reported() -> None:
    """The first bytes are kept, and a last line says how many more there were."""
    assert _added(5, "abc\n", "defg\n") == ["abc", "d", "… 4 more bytes were printed; only the first 5 are kept."]


def test_nothing_is_kept_after_the_first_that_is_dropped() -> None:
    """A short text that would still fit does not come after a gap."""
    assert _added(4, "abcdef", "g") == ["abcd", "… 3 more bytes were printed; only the first 4 are kept."]


def test_a_character_is_kept_whole_or_not() -> None:
    """Half of a character's bytes is no character."""
    assert _added(3, "éé") == ["é", "… 1 more bytes were printed; only the first 3 are kept."]


def test_no_bytes_at_all_keeps_nothing() -> None:
    """As when code is only loaded."""
    assert _added(0, "abc") == ["… 3 more bytes were printed; only the first 0 are kept."]


def test_each_line_has_the_time_at_which_it_began() -> None:
    """In seconds after the start, however many pieces it came in; what was dropped has the time of asking."""
    now = 100.0
    logs = Logs(20, lambda: now)
    for at, text in ((101.0, "a"), (102.0, "b\nc"), (103.0, "\n\n"), (104.5, ""), (105.0, "d\ne\n")):
        now = at
        logs.add(text)
    assert list(zip(logs.times(), logs.lines(), strict=True)) == [(1, "ab"), (2, "c"), (3, ""), (5, "d"), (5, "e")]
    now = 106.0
    logs.add("x" * 30)
    now = 107.0
    assert logs.times()[-2:] == [6, 7]


@given(st.lists(st.text()), st.integers(0, 50))
def test_the_bound_holds_for_any_text(texts: list[str], most: int) -> None:
    """Kept bytes are within the bound, and are the beginning of what was printed."""
    logs = Logs(most)
    for text in texts:
        logs.add(text)
    lines = logs.lines()
    assert len(logs.times()) == len(lines)
    every = "".join(texts)
    if len(every.encode()) <= most:
        assert "\n".join(lines) == every.removesuffix("\n")
        return
    kept = "\n".join(lines[:-1])
    assert len(kept.encode()) <= most
    assert every.startswith(kept)
    assert "more were printed" in lines[-1]
