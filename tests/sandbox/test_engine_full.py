"""The full engine: what a run may take, what becomes of one that is killed, and that no interpreter serves twice."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.models.wire import JsonObject
from shared.sandbox import Outcome, Program
from shared.sandbox.full import installation
from shared.sandbox.full.engine import FullEngine
from shared.sandbox.full.interpreters import end_ready
from tests.sandbox.abilities import ScriptedAbilities
from tests.sandbox.conftest import LIMITS
from tests.sandbox.full.children import children, kill_all

RUN = "async def run(input_dict, tools):\n"
NORMAL = RUN + "    return input_dict['n'] * 2"


@pytest.fixture
def run(full_engine: FullEngine, abilities: ScriptedAbilities) -> Any:
    async def run(code: str, input_dict: JsonObject | None = None, **limits: float) -> Outcome:
        return await full_engine.run(Program(code, input_dict or {}), abilities, replace(LIMITS, **limits))

    return run


async def only_one_is_left() -> None:
    async with asyncio.timeout(20):
        while len(children()) > 1:  # noqa: ASYNC110 - the system tells nobody
            await asyncio.sleep(0.05)


async def test_a_run_has_a_result_what_it_printed_and_how_long_it_took(run: Any) -> None:
    """Standard output and error, each line at once; JSON as Python has it."""
    code = "import sys\n" + RUN + "    print('a', 1)\n    print('b', file=sys.stderr)\n    return {'x': (1, None, 2.5)}"
    outcome = await run(code)
    assert (outcome.failure, outcome.result, outcome.logs) == (None, {"x": [1, None, 2.5]}, ["a 1", "b"])
    assert outcome.seconds > 0


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (RUN + "    while True: pass", "TimeoutError: The code computed for longer than 1 s"),
        (RUN + "    kept = []\n    while True: kept.append(bytearray(10**6))", "MemoryError"),
        (RUN + "    return 'x' * 200_000", "TypeError: The result is 200002 bytes long as JSON"),
        (RUN + "    return float('nan')", "TypeError: The result is not JSON: NaN and Infinity have no JSON"),
        (RUN + "    return {1, 2}", "TypeError: The result must be JSON, and a set is not."),
        (RUN + "    import sys\n    sys.exit(3)", "SystemExit: 3"),
        (RUN + "    raise KeyboardInterrupt", "KeyboardInterrupt"),
        (RUN + "    def f(): f()\n    f()", "RecursionError: maximum recursion depth exceeded"),
        ("def run(", "SyntaxError: line 1: This is not Python: '(' was never closed."),
        ("x = 1", "NotImplementedError: The code defines no `async def run(input_dict, tools)`"),
        ("def run(*_): return 1", "NotImplementedError: `run` must be `async def run(input_dict, tools)`."),
    ],
)
@pytest.mark.timeout(60)
async def test_a_limit_that_is_met_ends_the_run(run: Any, code: str, error: str) -> None:
    """In words for its author, whatever the code does."""
    outcome = await run(code, seconds=50, cpu_seconds=1)
    assert outcome.result is None
    assert outcome.failure.error.startswith(error)


@pytest.mark.parametrize(
    "waits", ["await asyncio.sleep(60)", "import time\n    time.sleep(60)", "await asyncio.Future()"]
)
async def test_a_run_that_waits_too_long_ends(run: Any, waits: str) -> None:
    """Whatever it waits for."""
    outcome = await run(RUN + f"    {waits}", seconds=3)
    assert outcome.failure.error == "TimeoutError: The run took longer than 3 s."


async def test_what_is_printed_is_limited(run: Any) -> None:
    """The first part is kept, and how much was not is told, whether Python's streams print or what is below them."""
    code = "import os\n" + RUN + "    for n in range(10_000): print('line', n)\n    os.write(1, b'past\\n')"
    outcome = await run(code, log_bytes=100)
    assert outcome.logs[:2] == ["line 0", "line 1"]
    assert "more were printed; the first 100 are kept" in outcome.logs[-1]
    assert (await run("import os\n" + RUN + "    os.write(1, b'past\\n')")).logs == ["past"]


async def test_what_was_printed_before_a_limit_is_kept(run: Any) -> None:
    """So that its author sees how far it came."""
    outcome = await run(RUN + "    print('here')\n    while True: pass", cpu_seconds=0.5)
    assert (outcome.logs, outcome.failure.error[:12]) == (["here"], "TimeoutError")


async def test_no_interpreter_serves_twice(run: Any) -> None:
    """What a run leaves behind, in memory or in files, no other finds; and random numbers are other ones."""
    leave = (
        "import builtins, random, pathlib, json\n" + RUN + "    builtins.left = json.left = 1\n    random.seed(5)\n"
        "    pathlib.Path('/tmp/left').write_text('x')\n    return 1"
    )
    find = (
        "import builtins, random, pathlib, json\n" + RUN + "    return [hasattr(builtins, 'left'), "
        "hasattr(json, 'left'), pathlib.Path('/tmp/left').exists(), random.random()]"
    )
    assert (await run(leave)).result == 1
    first, second = (await run(find)).result, (await run(find)).result
    assert first[:3] == second[:3] == [False, False, False]
    assert first[3] != second[3]


async def test_an_interpreter_ends_with_its_run(run: Any) -> None:
    """Only the one that is ready for the next run is left."""
    for n in range(3):
        assert (await run(NORMAL, {"n": n})).result == 2 * n
    await only_one_is_left()


@pytest.mark.parametrize("moment", ["computing", "waiting", "calling", "printing"])
async def test_an_interpreter_that_is_killed_ends_its_own_run_only(
    moment: str, full_engine: FullEngine, abilities: ScriptedAbilities
) -> None:
    """With an error in words; what it had printed is kept, its calls are ended, and the next run runs as ever."""
    abilities.meet(2)
    rest = {
        "computing": "    while True: pass",
        "waiting": "    await asyncio.sleep(60)",
        "calling": "    await call_llm(messages=[{'role': 'user', 'content': 'x'}])",
        "printing": "    while True: print('x' * 100)",
    }[moment]

    async def kill() -> None:
        """All of them: the one that waits for the next run, too."""
        await asyncio.sleep(2)
        kill_all()

    killing = asyncio.create_task(kill())
    outcome = await full_engine.run(
        Program(RUN + f"    print('begun')\n{rest}", {}), abilities, replace(LIMITS, seconds=30, cpu_seconds=20)
    )
    await killing
    assert outcome.failure
    assert outcome.failure.error == "RuntimeError: The interpreter ended in the middle of the run."
    assert outcome.logs[0] == "begun"
    assert (await full_engine.run(Program(NORMAL, {"n": 4}), abilities, LIMITS)).result == 8


async def test_runs_beside_each_other_do_not_mix(full_engine: FullEngine, abilities: ScriptedAbilities) -> None:
    """Each has its own input, its own lines, its own answers."""
    abilities.answers = [(f"q{n}.", f"a{n}") for n in range(6)]
    code = (
        RUN + "    print(input_dict['n'])\n"
        "    said, _ = await call_llm(messages=[{'role': 'user', 'content': f\"q{input_dict['n']}.\"}])\n"
        "    return said"
    )
    outcomes = await asyncio.gather(
        *[full_engine.run(Program(code, {"n": n}), abilities, replace(LIMITS, seconds=60)) for n in range(6)]
    )
    assert [(outcome.result, outcome.logs) for outcome in outcomes] == [(f"a{n}", [str(n)]) for n in range(6)]


async def test_a_run_that_is_cancelled_ends_its_interpreter(
    full_engine: FullEngine, abilities: ScriptedAbilities
) -> None:
    """And leaves none behind but the one that is ready."""
    running = asyncio.create_task(full_engine.run(Program(RUN + "    await asyncio.Future()", {}), abilities, LIMITS))
    await asyncio.sleep(1.5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await only_one_is_left()


async def test_code_that_is_loaded_can_call_nothing(full_engine: FullEngine) -> None:
    """What stands outside of functions is run, and no more."""
    assert await full_engine.load("x = 1\n" + NORMAL, LIMITS) is None
    failure = await full_engine.load("1 / 0\n" + NORMAL, LIMITS)
    assert failure
    assert failure.error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("missing", ["_deno", "_pyodide"])
async def test_where_it_is_not_installed_a_run_says_so(
    missing: str, full_engine: FullEngine, abilities: ScriptedAbilities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is missing; nothing is raised."""

    def not_there() -> Any:
        raise installation.NotInstalled("It is not installed.")

    monkeypatch.setattr(installation, missing, not_there)
    installation._laid_out.cache_clear()  # pyright: ignore[reportPrivateUsage]
    limits = replace(LIMITS, memory_bytes=LIMITS.memory_bytes + 65_536)  # interpreters of a kind of their own
    outcome = await full_engine.run(Program(NORMAL, {"n": 1}), abilities, limits)
    assert outcome.failure
    assert outcome.failure.error == (
        "RuntimeError: The full Python engine, which this code needs, does not start here. It is not installed."
    )


@pytest.fixture
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where the engine lays out its own, beside that which other tests have."""
    clear: Callable[[], None] = installation._laid_out.cache_clear  # pyright: ignore[reportPrivateUsage]
    clear()
    monkeypatch.setattr(installation.tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    clear()


async def test_a_folder_that_was_cleaned_away_is_laid_out_again(full_engine: FullEngine, own_folder: Path) -> None:
    """As the system may do with temporary files, in part or whole."""
    installed = await installation.installation()
    for left in ({"snapshot.bin", "boot.mjs"}, {"snapshot.bin"}, {file.name for file in installed.folder.iterdir()}):
        for name in left:
            (installed.folder / name).unlink(missing_ok=True)
        again = await installation.installation()
        assert (again.folder / "snapshot.bin").is_file()
        assert (again.folder / "pyodide.asm.wasm").is_file()
    assert await full_engine.load(NORMAL, LIMITS) is None


async def test_a_folder_that_somebody_else_made_anew_is_not_used(own_folder: Path) -> None:
    """Once the first one was cleaned away, its name is anybody's."""
    installed = await installation.installation()
    shutil.rmtree(installed.folder)
    installed.folder.mkdir()
    (installed.folder / "boot.mjs").write_text("another's")
    (installed.folder / "snapshot.bin").write_bytes(b"another's")
    installed.folder.chmod(0o777)
    again = await installation.installation()
    assert again.folder != installed.folder
    assert (again.folder / "boot.mjs").read_text() != "another's"


async def test_where_no_process_can_be_started_a_run_says_so(
    full_engine: FullEngine, abilities: ScriptedAbilities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is raised, and no path is told."""

    def full(*_: object, **__: object) -> Any:
        raise OSError(24, "Too many open files", "/a/path")

    monkeypatch.setattr("shared.sandbox.full.interpreters.asyncio.create_subprocess_exec", full)
    limits = replace(LIMITS, memory_bytes=LIMITS.memory_bytes + 2 * 65_536)  # interpreters of a kind of their own
    outcome = await full_engine.run(Program(NORMAL, {"n": 1}), abilities, limits)
    assert outcome.failure
    assert outcome.failure.error == (
        "RuntimeError: The full Python engine, which this code needs, does not start here. "
        "There is no room for its files or its process."
    )
    await end_ready()  # or one of that kind would be made ready afterwards


async def test_an_input_that_is_nested_too_deep_is_refused(
    full_engine: FullEngine, abilities: ScriptedAbilities
) -> None:
    """It cannot be handed in."""
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    outcome = await full_engine.run(Program(NORMAL, {"n": deep}), abilities, LIMITS)
    assert outcome.failure
    assert outcome.failure.error == "TypeError: The input is nested too deep."


def test_the_folder_is_not_taken_from_somebody_else(own_folder: Path) -> None:
    """One that others may write in, or a link, is not used; another is laid out."""
    clear: Callable[[], None] = installation._laid_out.cache_clear  # pyright: ignore[reportPrivateUsage]
    expected = installation._laid_out()  # pyright: ignore[reportPrivateUsage]
    assert expected.parent == own_folder
    expected.chmod(0o777)
    clear()
    assert installation._laid_out() != expected  # pyright: ignore[reportPrivateUsage]
    moved = own_folder / "moved"
    expected.rename(moved)
    expected.symlink_to(moved)
    clear()
    assert installation._laid_out() != expected  # pyright: ignore[reportPrivateUsage]
