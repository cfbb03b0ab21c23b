"""Runs programs in CPython, in an interpreter that nobody used before and that ends with the run."""

import asyncio
import time
from dataclasses import dataclass

from pydantic import JsonValue

from shared.log import get_logger
from shared.models.wire import JsonObject
from shared.sandbox.failures import Frame, computed_too_long, failure_of, took_too_long
from shared.sandbox.full.conversation import Conversation, TooManyCalls
from shared.sandbox.full.installation import NotInstalled
from shared.sandbox.full.interpreters import Gone, fresh_interpreter
from shared.sandbox.full.messages import Fault
from shared.sandbox.inside.calls import Abilities
from shared.sandbox.inside.json_values import NotJson, refuse_long
from shared.sandbox.json_values import parsed
from shared.sandbox.logs import Logs
from shared.sandbox.no_abilities import NoAbilities
from shared.sandbox.program import Failure, Limits, Outcome, Program
from shared.sandbox.slots import slots
from shared.sandbox.watched import Watched

_log = get_logger("sandbox")
_TRIES = 3
"""Interpreters for one run, where one has ended before the program reached it."""


@dataclass(frozen=True)
class _Value:
    value: JsonValue


class FullEngine:
    """Cheap to make: its interpreters are shared by all on the same event loop. `at_once`: runs, per level."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once

    async def run(self, program: Program, abilities: Abilities, limits: Limits, level: int = 0) -> Outcome:
        """See `Engine`."""
        began = time.monotonic()
        logs = Logs(limits.log_bytes)
        attempt = await self._attempt(program, abilities, limits, logs, level)
        failure = attempt if isinstance(attempt, Failure) else None
        result = None if isinstance(attempt, Failure) else attempt.value
        return Outcome(result, failure, logs.lines(), time.monotonic() - began)

    async def load(self, code: str, limits: Limits, sharers: tuple[str, ...] = ()) -> Failure | None:
        """See `Engine`."""
        attempt = await self._attempt(
            Program(code, {}, sharers=sharers), NoAbilities(), limits, Logs(0), 0, only_load=True
        )
        return attempt if isinstance(attempt, Failure) else None

    async def _attempt(
        self,
        program: Program,
        abilities: Abilities,
        limits: Limits,
        logs: Logs,
        level: int,
        only_load: bool = False,
    ) -> "_Value | Failure":
        given: JsonObject = {
            "code": program.code,
            "input_dict": program.input_dict,
            "tools": {url: list(names) for url, names in program.tools.items()},
            "log_bytes": limits.log_bytes,
            "result_bytes": limits.result_bytes,
            "only_load": only_load,
        }
        watched = Watched(abilities, limits.seconds)
        try:
            places = slots("full", self._at_once, level)
            async with asyncio.timeout(limits.seconds), places.slot(program.sharers):
                program.started()
                for _ in range(_TRIES):
                    async with fresh_interpreter(limits.memory_bytes) as interpreter:
                        conversation = Conversation(interpreter, watched, logs)
                        try:
                            async with interpreter.limited(limits.cpu_seconds, limits.memory_bytes):
                                end = await conversation.held(given)
                            return _outcome(end, conversation, program, limits)
                        except Gone as error:
                            if conversation.begun or interpreter.over:
                                return _ended(interpreter.over, error, interpreter.last_words(), limits)
                            _log.warning("An interpreter had ended before it was used")
                raise Gone("Interpreters end before they are used.")
        except TimeoutError:
            return took_too_long(limits, watched.waited_for)
        except TooManyCalls:
            return Failure("RuntimeError: The code called out more often than a run may.")
        except NotJson as error:
            return Failure(f"TypeError: {error}")
        except (NotInstalled, Gone) as error:
            _log.error("The full engine does not start: %s", error)
            return Failure(f"RuntimeError: The full Python engine, which this code needs, does not start here. {error}")


def _outcome(end: str | Fault, conversation: Conversation, program: Program, limits: Limits) -> "_Value | Failure":
    if isinstance(end, Fault):
        frames = [Frame(line, function) for line, function in end.frames]
        return failure_of(end.type, end.message, frames, program.code, conversation.failures)
    refuse_long(end, limits.result_bytes, "result")
    return _Value(parsed(end, "result") if end else None)


def _ended(over: str | None, error: Gone, last_words: str, limits: Limits) -> Failure:
    """Of an interpreter that did not come to its end."""
    match over:
        case "seconds":
            return Failure(f"TimeoutError: {computed_too_long(limits)}")
        case "memory":
            return Failure("MemoryError: The run took more than it may, and was ended.")
        case _:
            _log.warning("An interpreter ended in a run: %s", error, extra={"fields": {"said": last_words[-300:]}})
            return Failure("RuntimeError: The interpreter ended in the middle of the run.")
