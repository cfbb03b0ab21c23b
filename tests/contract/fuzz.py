"""The fuzzing tests for as long as one likes, for `make fuzz`: round after round, each with a seed of its own."""

import argparse
import os
import secrets
import subprocess
import sys
import time

EXAMPLES = 40
"""For each operation in a round, which takes about two minutes."""
ROUND = [sys.executable, "-m", "pytest", "tests/contract/test_fuzzing.py", *["-q", "-rf", "--no-header", "--tb=short"]]


def main() -> int:
    """The first round that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, help="no round begins after them")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9), help="of the first round")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="requests for each operation in a round")
    asked = parser.parse_args()
    _say(f"Fuzzing for {asked.seconds:.0f} s, from seed {asked.seed}; {asked.examples} requests for each operation.")
    began = time.monotonic()
    rounds = 0
    while time.monotonic() - began < asked.seconds:
        seed = asked.seed + rounds
        chosen = {"FUZZ_SEED": str(seed), "FUZZ_EXAMPLES": str(asked.examples)}
        if subprocess.run(ROUND, env={**os.environ, **chosen}, check=False).returncode:
            again = " ".join(f"{name}={value}" for name, value in chosen.items())
            _say(f"Seed {seed} failed. To see it again: {again} make test ARGS=tests/contract/test_fuzzing.py")
            return 1
        rounds += 1
        _say(f"Round {rounds}, seed {seed}: nothing found; {time.monotonic() - began:.0f} s gone by.")
    return 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a person runs this


if __name__ == "__main__":
    sys.exit(main())
