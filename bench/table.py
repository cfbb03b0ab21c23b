"""Writes rows as one table, for terminals and for Markdown."""

from collections.abc import Sequence
from statistics import median

from bench.rows import Row

_HEADINGS = ("what", "ours", "floor", "ratio or figure", "min–max", "target", "reached?")


def write_table(rows: Sequence[Row]) -> str:
    """Returns the table, followed by the rows' notes."""
    cells = [_HEADINGS, *[_cells(row) for row in rows]]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    notes = [f"- {row.what}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def describe(row: Row) -> str:
    """Returns a row as one line of text, for those who watch."""
    if row.failure is not None:
        return f"{row.what} failed: {row.failure}"
    what, ours, floor, figure, _, target, reached = _cells(row)
    parts = [f"{ours}, the floor {floor}, ratio {figure}" if row.floor else figure]
    if row.target is not None:
        parts.append(f"target {target}, reached: {reached}")
    return f"{what}: {'; '.join(parts)}"


def _cells(row: Row) -> tuple[str, ...]:
    if row.failure is not None:
        return (row.what, f"failed: {_shorten(row.failure)}", "", "", "", _target(row), "no" if row.target else "")
    summary = row.summary
    if summary is None:
        return (row.what, "", "", "", "", _target(row), "")
    unit = "×" if row.floor else row.unit
    return (
        row.what,
        _format(median(row.ours), row.unit),
        _format(median(row.floor), row.unit) if row.floor else "–",
        _format(summary.median, unit),
        f"{_format(summary.minimum, '')}–{_format(summary.maximum, '')}",
        _target(row),
        _verdict(row),
    )


def _verdict(row: Row) -> str:
    """Whether the median reaches the target, and how many values do if they disagree."""
    if row.target is None or row.reached is None:
        return ""
    reaching = sum(map(row.target.is_reached, row.figures))
    count = "" if reaching in (0, len(row.figures)) else f" ({reaching} of {len(row.figures)})"
    return ("yes" if row.reached else "no") + count


def _target(row: Row) -> str:
    if row.target is None:
        return "–"
    sign, unit = "≥" if row.target.at_least else "≤", "×" if row.floor else row.unit
    return f"{sign} {_format(row.target.bound, unit)}"


def _format(value: float, unit: str) -> str:
    """Writes a value with about three significant digits, and no fraction from 100 on."""
    size = abs(value)
    digits = 0 if size >= 100 or not size else 1 if size >= 10 else 2 if size >= 0.1 else 4
    text = f"{value:,.{digits}f}"
    return f"{text}{unit}" if unit.startswith("/") else f"{text} {unit}".strip()


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
