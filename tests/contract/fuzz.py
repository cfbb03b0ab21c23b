"""Runs the fuzzing tests repeatedly for a given time, with different seeds. `make fuzz` calls it."""

import argparse
import os
import secrets
import subprocess
import sys
import time

EXAMPLES = 40
"""The default number of requests per operation in a round. With this number, a round takes about two minutes."""
ROUND_COMMAND = [
    sys.executable,
    "-m",
    "pytest",
    "tests/contract/test_fuzzing.py",
    *["-q", "-rf", "--no-header", "--tb=short"],
]


def main() -> int:
    """Runs rounds until the time is up or a round fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, help="the number of seconds after which no new round begins")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="the seed of the first round")
    parser.add_argument(
        "--examples", type=int, default=EXAMPLES, help="the number of requests per operation in a round"
    )
    args = parser.parse_args()
    _print(f"Fuzzing for {args.seconds:.0f} s, from seed {args.seed}, with {args.examples} requests per operation.")
    started_at = time.monotonic()
    rounds = 0
    while time.monotonic() - started_at < args.seconds:
        seed = args.seed + rounds
        variables = {"FUZZ_SEED": str(seed), "FUZZ_EXAMPLES": str(args.examples)}
        if subprocess.run(ROUND_COMMAND, env={**os.environ, **variables}, check=False).returncode:
            command = " ".join(f"{name}={value}" for name, value in variables.items())
            _print(f"Seed {seed} failed. To reproduce: {command} make test ARGS=tests/contract/test_fuzzing.py")
            return 1
        rounds += 1
        _print(f"Round {rounds}, seed {seed}: no failure; {time.monotonic() - started_at:.0f} s elapsed.")
    return 0


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a developer runs this


if __name__ == "__main__":
    sys.exit(main())
