"""Tests that Hosting's rewrites, the local project's rewrites, and the functions' routes agree."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Match

from contract.functions import PRIVATE, ROOT, Function, functions
from local_platform.layout import LAYOUT
from local_platform.ports import Ports
from local_platform.project_folder import compose
from tests.contract.rewrites import first_match, rewrites

PUBLIC = [function for function in functions() if function.name not in PRIVATE]


def sample(route: APIRoute) -> str:
    """Returns an example of a path that the route matches."""
    return re.sub(r"\{\w+\}", "x1", re.sub(r"\{\w+:path\}", "x1/x2", route.path))


def routes_of(function: Function) -> list[APIRoute]:
    routes = [route for route in function.router.routes if isinstance(route, APIRoute)]
    assert len(routes) == len(function.router.routes)
    return routes


ROUTES = [
    pytest.param(function, path, sorted(route.methods or ()), id=f"{function.name} {path}")
    for function in PUBLIC
    for route in routes_of(function)
    for path in (sample(route),)
]
SAMPLES = sorted({sample(route) for function in PUBLIC for route in routes_of(function)})


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize(("function", "path", "methods"), ROUTES)
def test_a_route_is_reached_through_hosting(prefix: str, function: Function, path: str, methods: list[str]) -> None:
    """Every route's function has a rewrite for both path forms, with and without a trailing slash."""
    request_path = f"{prefix}{path}".rstrip("/") or "/"
    rewrite, slashed = first_match(request_path), first_match(request_path.rstrip("/") + "/")
    assert rewrite != rewrites()[-1], f"{request_path} has no rewrite"
    assert rewrite.function == function.name, f"{request_path} goes to {rewrite.function} because of {rewrite.regex}"
    assert slashed.function == function.name, f"{request_path}/ goes to {slashed.function} because of {slashed.regex}"


@pytest.mark.parametrize(("function", "path", "methods"), ROUTES)
def test_a_route_belongs_to_one_function(function: Function, path: str, methods: list[str]) -> None:
    """No two functions have a route for the same path and method."""
    for method in methods:
        scope = {"type": "http", "path": path, "root_path": "", "method": method}
        matching_functions = [
            other.name
            for other in PUBLIC
            if any(route.matches(dict(scope))[0] is Match.FULL for route in routes_of(other))
        ]
        assert matching_functions == [function.name]


@pytest.mark.parametrize("rewrite", rewrites()[:-1], ids=lambda rewrite: rewrite.regex)
def test_a_rewrite_reaches_a_route(rewrite: object) -> None:
    """For every rewrite, there is at least one path of a route that no earlier rewrite matches."""
    paths = ["/api", *(f"{prefix}{path}" for prefix in ("", "/api") for path in SAMPLES)]
    assert any(first_match(path) == rewrite for path in paths)


def test_unknown_paths_go_to_meta() -> None:
    """Unknown paths go to `meta`, whose 404 is JSON, unlike Hosting's own."""
    last = rewrites()[-1]
    assert (last.regex, last.function) == ("^.*$", "meta")
    for path in ("/chatter", "/nonsense", "/openapi.yaml", "/docsx", "/agents.json", "/healthy", "/restful/x", "/.env"):
        for prefix in ("", "/api"):
            assert first_match(prefix + path) == last


def test_private_functions_cannot_be_reached() -> None:
    """Private functions cannot be reached through Hosting. The queue and the scheduler call them at their own
    addresses."""
    assert not {rewrite.function for rewrite in rewrites()} & set(PRIVATE)
    for name in PRIVATE:
        for path in (f"/{name}", f"/{name}/", f"/api/{name}"):
            assert first_match(path).function == "meta"


def test_rewrites_name_deployed_functions_and_their_regions() -> None:
    """Each function's folder is listed in `firebase.json`, and each rewrite names a function and the function's
    region."""
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    assert {Path(entry["source"]).name for entry in config["functions"]} == {f.name for f in functions()}
    for rewrite in rewrites():
        yaml = (ROOT / "functions" / rewrite.function / "functions.yaml").read_text(encoding="utf-8")
        assert f"region: [{rewrite.region}]" in yaml


def test_no_static_file_hides_a_route() -> None:
    """No file in `public/` has the path of a route, because Hosting serves files before it applies the rewrites."""
    for file in (ROOT / "public").rglob("*"):
        path = f"/{file.relative_to(ROOT / 'public')}"
        assert path not in SAMPLES
        assert path.removesuffix("/index.html") not in SAMPLES
        assert file.name != "index.html" or file.parent != ROOT / "public", "it would hide GET /"


def test_the_local_project_routes_as_hosting_does(tmp_path: Path) -> None:
    """The project that `make run` creates has the same rewrites, and functions with the same names."""
    names = compose(LAYOUT, tmp_path, Ports())
    composed = json.loads((tmp_path / "firebase.json").read_text())
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    assert composed["hosting"] == config["hosting"]
    assert sorted(names) == [function.name for function in functions()]


def test_names_that_begin_with_a_dot_are_rewritten() -> None:
    """A path whose last part begins with a dot, such as a session id, is rewritten. Globs would not match it, and
    Hosting would return its own 404."""
    for path in ("/sessions/.mine/config", "/api/sessions/.mine", "/rest/.x", "/docs/.x"):
        assert first_match(path).regex == f"^(/api)?/{path.removeprefix('/api').split('/')[1]}(/.*)?$"


def test_rewrites_are_interpreted_as_the_emulator_does() -> None:
    """The emulator's matcher agrees with these tests on every rewrite, for all their paths and some unusual ones."""
    unusual_paths = [
        "/",
        "/api",
        "/api/",
        "//",
        "/.x",
        "/chat/.x",
        "/chat//",
        "/api/chat/a/b/",
        "/agents/x1/deploy/",
        "/docs/",
    ]
    paths = [*unusual_paths, *SAMPLES, *(f"/api{path}" for path in SAMPLES), *(f"{path}/" for path in SAMPLES)]
    script = (
        "const {configMatcher} = require('superstatic/lib/utils/patterns');"
        "const [regexes, paths] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "const row = (regex) => paths.map((path) => configMatcher(path, {regex}));"
        "console.log(JSON.stringify(regexes.map(row)))"
    )
    table = rewrites()
    completed = subprocess.run(
        ["node", "-e", script],
        input=json.dumps([[rewrite.regex for rewrite in table], paths]),
        cwd=LAYOUT.root,
        capture_output=True,
        text=True,
        check=True,
    )
    actual = [[rewrite.matches(path) for path in paths] for rewrite in table]
    for rewrite, expected, matched in zip(table, json.loads(completed.stdout), actual, strict=True):
        assert [path for path, a, b in zip(paths, expected, matched, strict=True) if a != b] == [], rewrite.regex
