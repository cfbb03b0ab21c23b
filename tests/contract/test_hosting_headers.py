"""Tests that Hosting adds security headers to every response, and cache headers only to files."""

import json

import pytest

from contract.functions import ROOT
from tests.contract.rewrites import matches
from tests.contract.test_routing import SAMPLES

SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
FILES = [f"/{path.relative_to(ROOT / 'public')}" for path in (ROOT / "public").rglob("*") if path.is_file()]
ROUTES = [f"{prefix}{path}".rstrip("/") or "/" for prefix in ("", "/api") for path in [*SAMPLES, "/nonsense", "/.env"]]


def hosting_headers(path: str) -> dict[str, str]:
    """Returns the headers that Hosting adds to the response for a path. If several rules match, the last one wins."""
    rules = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))["hosting"]["headers"]
    matching = [rule for rule in rules if matches(rule["regex"], path)]
    return {header["key"]: header["value"] for rule in matching for header in rule["headers"]}


@pytest.mark.parametrize("path", [*FILES, *ROUTES])
def test_every_response_has_security_headers(path: str) -> None:
    """Every response has headers that enforce HTTPS and the declared media type, forbid other sites to frame it, and
    hide its path from them."""
    headers = hosting_headers(path)
    assert headers | SECURITY_HEADERS == headers
    is_demo = path.removeprefix("/api").startswith("/demos")
    assert headers["Referrer-Policy"] == ("no-referrer" if is_demo else "strict-origin-when-cross-origin")


def test_only_demos_decide_who_may_frame_them() -> None:
    """The policy of a demo has `frame-ancestors`, which takes precedence over `X-Frame-Options`. Hosting adds no
    policy."""
    assert "frame-ancestors" in (ROOT / "shared/services/demos/page.py").read_text()
    assert not [path for path in ROUTES if "Content-Security-Policy" in hosting_headers(path)]


def test_hosting_sets_cache_headers_only_for_files() -> None:
    """Hosting sets `Cache-Control` only for its own files. Otherwise, it would cache private responses and 404s."""
    assert not [path for path in ROUTES if "Cache-Control" in hosting_headers(path)]
    assert {hosting_headers(path).get("Cache-Control") for path in FILES} == {"public, max-age=3600"}
