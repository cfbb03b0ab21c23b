"""The process of a plain Python, which runs programs with the driver. Each batch of programs runs in a new fork.

Each line of standard input is a batch, and each line of standard output has the answers for it. The answer is `null`
for a program that took too long or crashed its process. In that case, the batch is run again without that program. The
other programs then find the same leftovers of earlier programs as in the engine.
"""

import asyncio
import gc
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

PROGRAM_SECONDS = 1.5
MEMORY_BYTES = 512 * 2**20


def main() -> None:
    driver: dict[str, Any] = {}
    exec(compile(Path(sys.argv[1]).read_text(), "driver", "exec"), driver)  # noqa: S102 - the module driver.py
    for module in sys.argv[2].split(","):
        __import__(module)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        programs = json.loads(line)
        broken: set[int] = set()
        while True:
            waiting = [number for number in range(len(programs)) if number not in broken]
            answers = _run_in_fork(driver, [programs[number] for number in waiting])
            if len(answers) == len(waiting):
                break
            broken.add(waiting[len(answers)])
        by_number = dict(zip(waiting, answers, strict=True))
        sys.stdout.write(json.dumps([by_number.get(number) for number in range(len(programs))]) + "\n")
        sys.stdout.flush()


def _run_in_fork(driver: dict[str, Any], programs: list[Any]) -> list[Any]:
    """Returns the answers, up to the first program that crashes the process or takes too long."""
    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        with open(reader) as answers:
            lines = answers.read().splitlines()
        os.waitpid(child, 0)
        return [json.loads(line) for line in lines]
    try:
        os.close(reader)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        asyncio.run(_write_answers(driver, programs, writer))
    finally:
        os._exit(0)


async def _write_answers(driver: dict[str, Any], programs: list[Any], writer: int) -> None:
    for program in programs:
        signal.setitimer(signal.ITIMER_REAL, PROGRAM_SECONDS)  # the signal ends the process
        text = json.dumps(await driver["run_program"](program)).encode() + b"\n"
        signal.setitimer(signal.ITIMER_REAL, 0)
        while text:
            text = text[os.write(writer, text) :]


if __name__ == "__main__":
    main()
