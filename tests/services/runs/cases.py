"""The corpus of agents whose workers are killed: what each returns, and what it does outside the sandbox."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CORPUS = Path(__file__).parent / "corpus"
TOOLS = ["look", "put", "send"]


@dataclass(frozen=True)
class Case:
    """An agent, and how a run of it ends. `result`: without the `volatile` keys, which differ between runs.

    `callees`: the agents that are saved for it, each of which may call those before it. `answers`: of persons, by the
    beginning of the question. Questions without an answer expire. `posts`: the number of POST requests, by their keys.
    `models`: the number of charges for models. `abandoned`: how many of those calls the code does not wait for, so that
    they are not repeated if their worker dies. `other`: calls that must not be repeated. If a worker dies during one of
    them, which is after one of the boundaries `at_risk`, the run may end with one of the `interrupted` results, or with
    an error that contains one of them.
    """

    name: str
    result: Any = None
    error: str | None = None
    callees: tuple[str, ...] = ()
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    volatile: tuple[str, ...] = ()
    posts: int = 0
    models: int = 0
    abandoned: int = 0
    other: dict[str, int] = field(default_factory=dict[str, int])
    lines: tuple[str, ...] = ()
    interrupted: tuple[Any, ...] = ()
    at_risk: tuple[str, ...] = ("commit of journal", "http", "call_tool", "before call_model")

    @property
    def code(self) -> str:
        return read_code(self.name)


def read_code(name: str) -> str:
    return (_CORPUS / f"{name}.agent").read_text(encoding="utf-8")


def _said(*prompts: Any) -> list[str]:
    return [f"You said: {prompt}" for prompt in prompts]


_DELAYS = ["delay=0.3", "delay=0.1", "delay=0.2"]
_CHANGES = {"PUT": 1, "PATCH": 1, "DELETE": 1}

CASES = (
    Case("model_loop", _said(*(f"number {n}" for n in range(4))), models=4),
    Case(
        "model_gather",
        {"said": _said(*(f"delay={n}" for n in (0.5, 0.1, 0.4, 0.2, 0.3))), "same": True},
        volatile=("order",),
        posts=1,
        models=5,
    ),
    Case("race", ["timer", *_said("delay=0.8")], posts=1, models=1),
    Case("race_won", "model", posts=1, models=1),
    Case("race_lost", ["late", *_said("quick")], posts=1, models=2, abandoned=1),
    Case("slow_get", [{"query": "seconds=0.1"}, "timeout"], posts=2),
    Case("cancelled_call", "cancelled", posts=1),
    Case("finally_post", "You said: plan", posts=1, models=1),
    Case("failing_call", ["RuntimeError", 503, "ConnectError", *_said("go on")], models=1),
    Case(
        "nested",
        _said("a", "b"),
        callees=("leaf",),
        posts=3,
        models=2,
        lines=("in the leaf a", "in the leaf b"),
    ),
    Case(
        "three_levels",
        {"above": _said("a", "b"), "last": 1},
        callees=("leaf", "nested"),
        posts=3,
        models=2,
        lines=("in the leaf a", "in the leaf b"),
    ),
    Case(
        "gathered_children",
        _said(*_DELAYS),
        callees=("leaf",),
        posts=3,
        models=3,
        lines=tuple(f"in the leaf {name}" for name in _DELAYS),
    ),
    Case(
        "failing_child",
        ["The agent 'failure' failed: ValueError: It went wrong: ü", *_said("after")],
        callees=("failure",),
        posts=1,
        models=2,
    ),
    Case("sleeping_children", _said(3600, 60), callees=("sleeper",), posts=2, models=2),
    Case("tool_read_only", ["seen", "seen"], posts=1),
    Case("tool_idempotent", ["put", TOOLS]),
    Case(
        "tool_caught",
        ["sent", *_said("thank")],
        models=1,
        other={"send": 1},
        interrupted=(["interrupted", *_said("thank")],),
    ),
    Case("tool_uncaught", "sent", other={"send": 1}, interrupted=("InterruptedCall",)),
    Case("post", [{"body": '{"n":1}'}, {"body": '{"n":2}'}, {"body": '{"n":2}'}], posts=2),
    Case(
        "put_delete",
        [204, 204, 204],
        other=_CHANGES,
        interrupted=tuple(map(list, itertools.product((204, "interrupted"), repeat=3)))[1:],
    ),
    Case("short_sleeps", "ok", posts=3),
    Case("long_sleeps", [6, 86400], posts=2, lines=("slept 6", "slept 86400")),
    Case("gathered_sleeps", [0.2, *_said("delay=0.5"), 20, 300], posts=3, models=1),
    Case("work_beside_sleep", {"in time": True, "slept": True}, posts=3, models=3),
    Case("choices", "yes", answers={"Shall I": "yes"}, posts=1, models=1),
    Case("schema", 5, answers={"How many?": {"n": 4}}),
    Case("expiring_question", ["nobody", "late"], answers={"And now?": "late"}, posts=1),
    Case(
        "two_questions",
        ["1", {"é": [2]}],
        answers={"First?": "1", "Second?": {"é": [2]}},
        lines=("first: 1", "second: {'é': [2]}"),
    ),
    Case("gathered_questions", ["b", "a"], answers={"a?": "a", "b?": "b"}, posts=2),
    Case("random_numbers", {"same": True}, volatile=("seen",), posts=3),
    Case("clocks", {"same": True}, volatile=("seen",), posts=3),
    Case(
        "prints",
        "You said: hi",
        posts=2,
        models=1,
        lines=("one", "two and a half", "three", "", "five!", "üñí 🙂", "no end"),
    ),
    Case("task_group", _said("delay=0.2 n=2"), models=3, abandoned=2),
    Case("queue", _said(*(f"delay=0.1 ({n}, 200)" for n in range(5))), posts=5, models=5),
    Case("semaphore", [[0, 1, 2, 3, 4], 2], posts=5, models=5),
    Case("generators", 3, posts=2),
    Case(
        "exception",
        error="The agent failed: RuntimeError: This is the end: You said: hi.",
        posts=1,
        models=1,
        lines=("before",),
    ),
    Case("large", [2_000_000, *_said("hi")], posts=1, models=1),
    Case(
        "unicode",
        {
            "ключ": 'You said: ü 🙂 \x00 \u2028 \\ " 漢字 👨\u200d👩',
            "sent": '{"é":"ü 🙂 \\u0000 \u2028 \\\\ \\" 漢字 👨\u200d👩"}',
        },
        posts=1,
        models=1,
        lines=("ü 🙂 漢字",),
    ),
)
