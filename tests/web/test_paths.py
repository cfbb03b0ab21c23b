"""Tests the paths at which a route can be reached."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.paths import PathForms

ROUTES = {"/chat", "/chat/7"}


def forms(function: str = "chat", routes: Collection[str] = frozenset(ROUTES)) -> PathForms:
    return PathForms(function, lambda path: path in routes)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/chat/7", "/chat/7"),
        ("/chat/7", "/chat/7"),
        ("/7", "/chat/7"),
        ("/chat/7/", "/chat/7"),
        ("/", "/chat"),
        ("/api", "/chat"),
        ("/api/", "/chat"),
        ("/nothing", "/nothing"),
        ("/apinothing", "/apinothing"),
        ("/api/api/chat", "/api/chat"),
    ],
)
def test_every_form_becomes_the_canonical_path(path: str, route: str) -> None:
    """Paths with `/api`, without it, and without the function's name become the route's path. Other paths do not
    change."""
    assert forms().canonical(path) == route


@pytest.mark.parametrize("path", ["/api/sessions", "/sessions/", "/sessions/config"])
def test_the_functions_name_is_not_added_twice(path: str) -> None:
    """If a path begins with the function's name, the name is not added, even if a session is named `sessions`."""
    routes = {"/sessions/sessions", "/sessions/sessions/config", "/sessions/sessions-of-mine"}
    assert forms("sessions", routes).canonical(path) == path.removeprefix("/api").rstrip("/")
    assert forms("sessions", routes).canonical("/sessions-of-mine") == "/sessions/sessions-of-mine"


@given(st.text(alphabet="/api chatx7.%ü", max_size=20).map(lambda tail: f"/{tail}"))
def test_a_path_never_becomes_an_unrelated_route(path: str) -> None:
    """The result is the path of a route only if the original path ends in the same way."""
    canonical = forms().canonical(path)
    assert canonical not in ROUTES or canonical.endswith(path.removeprefix("/api").rstrip("/"))
