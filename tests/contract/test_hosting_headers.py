"""What Hosting adds to answers: what keeps browsers safe, on every one; how long to keep, on files alone."""

import json

import pytest

from contract.functions import ROOT
from tests.contract.rewrites import takes
from tests.contract.test_routing import SAMPLES

SAFE = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
FILES = [f"/{path.relative_to(ROOT / 'public')}" for path in (ROOT / "public").rglob("*") if path.is_file()]
ROUTES = [f"{prefix}{path}".rstrip("/") or "/" for prefix in ("", "/api") for path in [*SAMPLES, "/nonsense", "/.env"]]


def told(path: str) -> dict[str, str]:
    """The headers that Hosting gives the answer of a path: of several that fit, the last one counts."""
    rules = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))["hosting"]["headers"]
    fitting = [rule for rule in rules if takes(rule["regex"], path)]
    return {header["key"]: header["value"] for rule in fitting for header in rule["headers"]}


@pytest.mark.parametrize("path", [*FILES, *ROUTES])
def test_every_answer_keeps_browsers_safe(path: str) -> None:
    """Encrypted from then on, of the type that it says, framed by nobody else, and telling others no path."""
    headers = told(path)
    assert headers | SAFE == headers
    demo = path.removeprefix("/api").startswith("/demos")
    assert headers["Referrer-Policy"] == ("no-referrer" if demo else "strict-origin-when-cross-origin")


def test_demos_say_themselves_who_may_frame_them() -> None:
    """Their own policy has `frame-ancestors`, which browsers obey instead of `X-Frame-Options`; Hosting has none."""
    assert "frame-ancestors" in (ROOT / "shared/services/demos/page.py").read_text()
    assert not [path for path in ROUTES if "Content-Security-Policy" in told(path)]


def test_how_long_an_answer_keeps_is_its_functions_to_say() -> None:
    """Hosting would keep what belongs to one caller, and a 404 too; what it knows is its own files."""
    assert not [path for path in ROUTES if "Cache-Control" in told(path)]
    assert {told(path).get("Cache-Control") for path in FILES} == {"public, max-age=3600"}
