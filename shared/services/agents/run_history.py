"""What is known of a run from its journal, whose records are described in `shared.services.agents.journal`."""

import json
from dataclasses import dataclass, field
from typing import Any

from shared.models.agent import StoredAgent
from shared.models.chat import Usage
from shared.models.journal import Segment
from shared.models.wire import JsonObject

_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")


@dataclass
class Record:
    """What the journal knows of a call. `arguments`: their hash. `shown`: a description of them without secrets.

    `has_begun`: whether it is a call that must not be repeated, and may have been made. `end`: its outcome.
    """

    function: str
    arguments: str
    shown: str
    line: int
    has_begun: bool = False
    end: JsonObject | None = None


@dataclass
class History:
    """What a run has done: in its earlier attempts, and in this one.

    `records`: its calls, by their paths. `agents`: which agent each call runs that runs one; that of the run itself has
    the path "". `printed`: how many characters each of these programs has printed. `seed`, `clock`: the source of its
    random numbers, and when it began, in nanoseconds since 1970.

    Of the earlier attempts only: `is_resumed`: whether there are any. `last_attempt`, `last_segment`: the last one that
    has written anything, and the number of its last segment. `size`: that of the journal, in characters. `calls`,
    `usage`, `spent`: how many calls have ended, the tokens that they used, and what they cost, in micro-dollars.
    """

    records: dict[str, Record] = field(default_factory=dict[str, Record])
    agents: dict[str, StoredAgent] = field(default_factory=dict[str, StoredAgent])
    printed: dict[str, int] = field(default_factory=dict[str, int])
    seed: bytes = b""
    clock: int = 0
    is_resumed: bool = False
    last_attempt: int = 0
    last_segment: int = 0
    size: int = 0
    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    spent: int = 0

    def add(self, record: dict[str, Any]) -> None:
        """Adds a record that was read. Ignores one of an unknown type."""
        path = record.get("n", "")
        match record.get("t"):
            case "begin":
                self.is_resumed = True
                self.seed, self.clock = bytes.fromhex(record["seed"]), record["clock"]
            case "agent":
                self.agents.setdefault(path, StoredAgent.model_validate(record["agent"]))
            case "log":
                self.printed[path] = max(self.printed.get(path, 0), record["printed"])
            case "start" | "end":
                known = self.records.setdefault(path, _read_record(record))
                if record["t"] == "start":
                    known.has_begun = True
                elif known.end is None:
                    known.end = record
                    self.calls += 1
                    self.spent += record.get("cost", 0)
                    self._count(record.get("usage") or {})
            case _:
                pass

    def _count(self, usage: dict[str, int]) -> None:
        self.usage = Usage(**{name: getattr(self.usage, name) + usage.get(name, 0) for name in _TOKENS})


def read_history(segments: list[Segment]) -> History:
    """Reads a journal. Ignores what a worker wrote that had stalled for longer than its lease.

    By then, the next worker had read the journal, and may have made the same calls again.
    """
    history = History(last_attempt=segments[-1].attempt if segments else 0)
    segments = _drop_late(segments)
    history.last_segment = segments[-1].n if segments else 0
    text = "".join(segment.text for segment in segments)
    history.size = len(text)
    for line in text.split("\n"):
        try:
            record = json.loads(line) if line else None
        except ValueError:  # the rest of a long record whose process died before all of it was written
            continue
        if isinstance(record, dict):
            history.add(record)
    return history


def _drop_late(segments: list[Segment]) -> list[Segment]:
    """Returns the segments without those that an attempt wrote after the next one had read the journal.

    Each attempt that writes begins with a record that says up to which segment it had read.
    """
    kept = list[Segment]()
    for segment in segments:
        if kept and kept[-1].attempt != segment.attempt:
            first = _read_first(segment.text)
            if first.get("t") in ("begin", "resume"):
                kept = [earlier for earlier in kept if earlier.n <= first.get("seen", 0)]
        kept.append(segment)
    return kept


def _read_first(text: str) -> dict[str, Any]:
    """Returns the first record of an attempt's first segment, an empty one if it is not all there."""
    try:
        return json.loads(text.lstrip("\n").partition("\n")[0])
    except ValueError:
        return {}


def _read_record(record: dict[str, Any]) -> Record:
    return Record(record["f"], record["d"], record["a"], record["line"])
