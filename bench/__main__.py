"""`make bench`: runs all measurements, or only the named ones, as in `make bench ARGS=cold_start`."""

import sys

from bench import cold_start, fairness, requests, sandbox

_MEASUREMENTS = {
    "cold_start": cold_start.measure,
    "fairness": fairness.measure,
    "requests": requests.measure,
    "sandbox": sandbox.measure,
}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(_MEASUREMENTS)
    if unknown := set(chosen) - set(_MEASUREMENTS):
        sys.exit(f"Unknown measurement: {', '.join(unknown)}. Choose from: {', '.join(_MEASUREMENTS)}.")
    for name in chosen:
        _MEASUREMENTS[name]()
