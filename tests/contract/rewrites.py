"""Hosting's rewrites, read as Hosting reads them: https://firebase.google.com/docs/hosting/full-config#rewrites."""

import json
import re
from dataclasses import dataclass

from contract.functions import ROOT


@dataclass(frozen=True)
class Rewrite:
    """What `regex` takes goes to `function`, unless an earlier rewrite takes it."""

    regex: str
    function: str
    region: str

    def takes(self, path: str) -> bool:
        return takes(self.regex, path)


def takes(regex: str, path: str) -> bool:
    """Whether it takes the path, which is as it was sent: percent-encoded."""
    assert (regex[0], regex[-1]) == ("^", "$"), "Hosting may find it anywhere in a path, or take it for all of it"
    return re.search(regex, path) is not None


def rewrites() -> list[Rewrite]:
    """Those of `firebase.json`, in their order."""
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    return [
        Rewrite(entry["regex"], entry["function"]["functionId"], entry["function"]["region"])
        for entry in config["hosting"]["rewrites"]
    ]


def first_for(path: str) -> Rewrite:
    """The one that takes a path."""
    return next(rewrite for rewrite in rewrites() if rewrite.takes(path))
