"""The log of a run, which stores text up to a maximum number of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from shared.sandbox.logs import Logs


def _log_lines(max_bytes: int, *texts: str) -> list[str]:
    logs = Logs(max_bytes)
    for text in texts:
        logs.add(text)
    return logs.lines()


def test_empty_output_has_no_lines() -> None:
    """A log without text has no lines, not even an empty one."""
    assert _log_lines(100) == []
    assert _log_lines(100, "") == []


def test_pieces_of_text_are_joined_into_lines() -> None:
    """Only line ends separate lines. The last line end does not start another line. Empty lines are preserved."""
    assert _log_lines(100, "a", "b\nc", "\n") == ["ab", "c"]
    assert _log_lines(100, "\n", "\n", "x") == ["", "", "x"]


def test_dropped_text_is_reported() -> None:
    """The first bytes are stored, and a last line reports how many bytes were dropped."""
    assert _log_lines(5, "abc\n", "defg\n") == ["abc", "d", "… 4 more bytes were printed; only the first 5 are stored."]


def test_nothing_is_stored_after_dropped_text() -> None:
    """After some text was dropped, even short text that would fit is dropped, so the log has no gaps."""
    assert _log_lines(4, "abcdef", "g") == ["abcd", "… 3 more bytes were printed; only the first 4 are stored."]


def test_a_character_is_not_split() -> None:
    """A character is stored with all of its bytes, or dropped."""
    assert _log_lines(3, "éé") == ["é", "… 1 more bytes were printed; only the first 3 are stored."]


def test_with_a_limit_of_zero_bytes_nothing_is_stored() -> None:
    """With a limit of zero bytes, which applies when code is only loaded, all text is dropped."""
    assert _log_lines(0, "abc") == ["… 3 more bytes were printed; only the first 0 are stored."]


def test_each_line_has_its_start_time() -> None:
    """A line's time is that of its first piece. The line about dropped text has the current time."""
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
def test_the_limit_holds_for_any_text(texts: list[str], max_bytes: int) -> None:
    """The stored text is within the limit, and is the beginning of the printed text."""
    logs = Logs(max_bytes)
    for text in texts:
        logs.add(text)
    lines = logs.lines()
    assert len(logs.times()) == len(lines)
    printed = "".join(texts)
    if len(printed.encode()) <= max_bytes:
        assert "\n".join(lines) == printed.removesuffix("\n")
        return
    stored = "\n".join(lines[:-1])
    assert len(stored.encode()) <= max_bytes
    assert printed.startswith(stored)
    assert "more bytes were printed" in lines[-1]
