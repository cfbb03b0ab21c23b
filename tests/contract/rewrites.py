"""Interprets rewrites as Hosting does: https://firebase.google.com/docs/hosting/full-config#rewrites."""

import json
import re
from dataclasses import dataclass

from contract.functions import ROOT


@dataclass(frozen=True)
class Rewrite:
    """A rule that sends paths that match `regex` to `function`, unless an earlier rewrite matches."""

    regex: str
    function: str
    region: str

    def matches(self, path: str) -> bool:
        return matches(self.regex, path)


def matches(regex: str, path: str) -> bool:
    """Returns whether the regex matches the path, which must be percent-encoded, as it was sent."""
    assert (regex[0], regex[-1]) == ("^", "$"), (
        "Without anchors, it is unclear whether the regex must match the whole path."
    )
    return re.search(regex, path) is not None


def rewrites() -> list[Rewrite]:
    """Returns the rewrites in `firebase.json`, in order."""
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    return [
        Rewrite(entry["regex"], entry["function"]["functionId"], entry["function"]["region"])
        for entry in config["hosting"]["rewrites"]
    ]


def first_match(path: str) -> Rewrite:
    """Returns the rewrite that applies to a path."""
    return next(rewrite for rewrite in rewrites() if rewrite.matches(path))
