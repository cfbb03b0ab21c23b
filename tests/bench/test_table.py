"""The table of all rows."""

from bench.rows import Row, Target
from bench.table import describe, write_table


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _write(row: Row) -> list[str]:
    return _cells(write_table([row]).splitlines()[2])


def test_the_table_has_a_heading_and_a_line_for_each_row() -> None:
    """All lines have the same width, so that terminals align them."""
    lines = write_table([Row("one", "s", [1.0]), Row("a longer one", "s", [1234.0])]).splitlines()
    assert _cells(lines[0]) == ["what", "ours", "floor", "ratio or figure", "min–max", "target", "reached?"]
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == 4


def test_a_row_with_a_floor_shows_a_ratio() -> None:
    """Rates have no space before their unit."""
    row = Row("reads", "/s", [700.0, 600.0, 800.0], [1000.0, 1000.0, 1000.0], Target(0.7, at_least=True))
    assert _write(row) == ["reads", "700/s", "1,000/s", "0.70 ×", "0.60–0.80", "≥ 0.70 ×", "yes (2 of 3)"]


def test_rounds_that_disagree_are_counted() -> None:
    """The median decides. How many values reach the target is shown whether or not it does."""
    assert _write(Row("x", "s", [1.0, 2.0, 3.0], target=Target(1.5)))[6] == "no (1 of 3)"
    assert _write(Row("x", "s", [1.0, 2.0, 3.0], target=Target(3.0)))[6] == "yes"


def test_a_row_is_described_in_one_line() -> None:
    """With units, floor, ratio and target, as in the table."""
    row = Row("reads", "/s", [700.0], [1000.0], Target(0.7, at_least=True))
    assert describe(row) == "reads: 700/s, the floor 1,000/s, ratio 0.70 ×; target ≥ 0.70 ×, reached: yes"
    assert describe(Row("chats", "s", [3.04])) == "chats: 3.04 s"
    assert describe(Row("chats", failure="it broke")) == "chats failed: it broke"


def test_a_row_without_a_floor_shows_its_figure() -> None:
    """The target has the row's unit."""
    row = Row("chats", "s", [3.04, 2.51, 4.0], target=Target(2.0))
    assert _write(row) == ["chats", "3.04 s", "–", "3.04 s", "2.51–4.00", "≤ 2.00 s", "no"]


def test_a_failed_row_says_why() -> None:
    """Long reasons, such as tracebacks, are shortened to one line."""
    cells = _write(Row("chats", failure="RuntimeError:\n" + "x" * 200))
    assert cells[1].startswith("failed: RuntimeError: xxx")
    assert len(cells[1]) < 100


def test_notes_follow_the_table() -> None:
    """Each note names its row."""
    assert write_table([Row("one", "s", [1.0], note="in a row")]).endswith("\n\n- one: in a row")


def test_small_values_keep_their_digits() -> None:
    """Zero is an exact value."""
    assert _write(Row("x", "s", [0.0123]))[1] == "0.0123 s"
    assert _write(Row("x", ours=[0.0], target=Target(0)))[1:6] == ["0", "–", "0", "0–0", "≤ 0"]
