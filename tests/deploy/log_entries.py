"""Imitates the part of Cloud Logging that `deploy/monitoring` needs: converts lines to entries and filters them.

https://cloud.google.com/logging/docs/structured-logging describes which fields of a line become fields of the entry.
https://cloud.google.com/logging/docs/view/logging-query-language describes filters.
"""

import re
from typing import Any

SEVERITIES = ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"]
_SPECIAL = {
    "severity": "severity",
    "time": "timestamp",
    "httpRequest": "httpRequest",
    "logging.googleapis.com/trace": "trace",
    "logging.googleapis.com/spanId": "spanId",
    "logging.googleapis.com/trace_sampled": "traceSampled",
    "logging.googleapis.com/labels": "labels",
}
_CLAUSE = re.compile(
    r'(?P<path>(?:[\w@]+|"[^"]+")(?:\.(?:[\w@]+|"[^"]+"))*)(?P<operator>>=|=|:)(?P<value>"[^"]*"|[\w.]+)'
)
_EXTRACT = re.compile(r"EXTRACT\((.+)\)")


def entry_of(line: dict[str, Any], function: str) -> dict[str, Any]:
    """Returns the log entry for a line that a deployed function wrote."""
    entry: dict[str, Any] = {name: line[field] for field, name in _SPECIAL.items() if field in line}
    entry["resource"] = {"type": "cloud_run_revision", "labels": {"service_name": function}}
    entry["jsonPayload"] = {field: value for field, value in line.items() if field not in _SPECIAL}
    return entry


def matches(filter_text: str, entry: dict[str, Any]) -> bool:
    """Returns whether the filter matches `entry`. Raises `ValueError` unless AND joins all of its clauses."""
    return all(_clause_matches(clause, entry) for clause in re.split(r"\s+AND\s+", filter_text.strip()))


def extract(extractor: str, entry: dict[str, Any]) -> Any:
    """Returns the value that `EXTRACT(field)` extracts, or None if the field is missing."""
    match = _EXTRACT.fullmatch(extractor)
    if match is None:
        raise ValueError(extractor)
    return _value(match[1], entry)


def _clause_matches(clause: str, entry: dict[str, Any]) -> bool:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        raise ValueError(clause)
    actual, operator, expected = _value(match["path"], entry), match["operator"], match["value"].strip('"')
    if actual is None:
        return False
    if operator == ":":
        return expected.lower() in str(actual).lower()
    if operator == "=":
        return str(actual).lower() == expected.lower()
    if match["path"] == "severity":
        return SEVERITIES.index(actual) >= SEVERITIES.index(expected)
    return isinstance(actual, int | float) and actual >= float(expected)


def _value(path: str, entry: dict[str, Any]) -> Any:
    value: Any = entry
    for quoted, plain in re.findall(r'"([^"]+)"|([\w@]+)', path):
        value = value.get(quoted or plain) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType]
    return value
