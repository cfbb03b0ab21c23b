"""Hosting's rewrites, read as Hosting reads them: https://firebase.google.com/docs/hosting/full-config#glob."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from contract.functions import ROOT


@dataclass(frozen=True)
class Rewrite:
    """What `source` takes goes to `function`, unless an earlier rewrite takes it."""

    source: str
    function: str
    region: str

    def takes(self, path: str) -> bool:
        return any(_fits(glob.split("/"), re.split("/+", path)) for glob in expanded(self.source))


def rewrites() -> list[Rewrite]:
    """Those of `firebase.json`, in their order."""
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    return [
        Rewrite(entry["source"], entry["function"]["functionId"], entry["function"]["region"])
        for entry in config["hosting"]["rewrites"]
    ]


def first_for(path: str) -> Rewrite:
    """The one that takes a path."""
    return next(rewrite for rewrite in rewrites() if rewrite.takes(path))


def expanded(glob: str) -> Iterator[str]:
    """Every glob without braces that one with braces stands for. Braces in braces are not used here."""
    if braces := re.search(r"\{([^{}]*)\}", glob):
        for part in braces[1].split(","):
            yield from expanded(f"{glob[: braces.start()]}{part}{glob[braces.end() :]}")
    else:
        yield glob


def _fits(globs: list[str], segments: list[str]) -> bool:
    """Segment by segment; a slash at the end of the path may be there or not.

    `*`: a segment that is not empty; `**`: any number of them, but at least one at the end. Neither takes a dotfile.
    """
    if not globs:
        return segments in ([], [""])
    if not segments:
        return False
    if globs[0] == "**":
        taken = range(1 if len(globs) == 1 else 0, len(segments) + 1)
        return any(
            _fits(globs[1:], segments[count:])
            for count in taken
            if not any(segment.startswith(".") for segment in segments[:count])
        )
    if globs[0] == "*":
        return bool(segments[0]) and not segments[0].startswith(".") and _fits(globs[1:], segments[1:])
    assert "*" not in globs[0], "part of a segment: not used here, so not known here"
    return globs[0] == segments[0] and _fits(globs[1:], segments[1:])
