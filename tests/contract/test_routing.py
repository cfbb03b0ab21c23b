"""Tests that Hosting's rewrites, those of the local root, and the functions' routes agree."""

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
from tests.contract.rewrites import first_for, rewrites

PUBLIC = [function for function in functions() if function.name not in PRIVATE]


def sample(route: APIRoute) -> str:
    """Returns an example path of the route."""
    return re.sub(r"\{\w+\}", "x1", re.sub(r"\{\w+:path\}", "x1/x2", route.path))


def routes_of(function: Function) -> list[APIRoute]:
    found = [route for route in function.router.routes if isinstance(route, APIRoute)]
    assert len(found) == len(function.router.routes)
    return found


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
    """Its function has a rewrite for both path forms, with and without a trailing slash."""
    request_path = f"{prefix}{path}".rstrip("/") or "/"
    rewrite, slashed = first_for(request_path), first_for(request_path.rstrip("/") + "/")
    assert rewrite != rewrites()[-1], f"{request_path} has no rewrite"
    assert rewrite.function == function.name, f"{request_path} goes to {rewrite.function}, by {rewrite.regex}"
    assert slashed.function == function.name, f"{request_path}/ goes to {slashed.function}, by {slashed.regex}"


@pytest.mark.parametrize(("function", "path", "methods"), ROUTES)
def test_a_route_belongs_to_one_function(function: Function, path: str, methods: list[str]) -> None:
    """No other function has a route for the path."""
    for method in methods:
        scope = {"type": "http", "path": path, "root_path": "", "method": method}
        matching = [
            other.name
            for other in PUBLIC
            if any(route.matches(dict(scope))[0] is Match.FULL for route in routes_of(other))
        ]
        assert matching == [function.name]


@pytest.mark.parametrize("rewrite", rewrites()[:-1], ids=lambda rewrite: rewrite.regex)
def test_a_rewrite_reaches_a_route(rewrite: object) -> None:
    """At least one route of its function is not matched by an earlier rewrite."""
    paths = ["/api", *(f"{prefix}{path}" for prefix in ("", "/api") for path in SAMPLES)]
    assert any(first_for(path) == rewrite for path in paths)


def test_unknown_paths_go_to_meta() -> None:
    """The 404 of `meta` is JSON, while Hosting's own is a page."""
    last = rewrites()[-1]
    assert (last.regex, last.function) == ("^.*$", "meta")
    for path in ("/chatter", "/nonsense", "/openapi.yaml", "/docsx", "/agents.json", "/healthy", "/restful/x", "/.env"):
        for prefix in ("", "/api"):
            assert first_for(prefix + path) == last


def test_private_functions_cannot_be_reached() -> None:
    """Only the queue and the scheduler call private functions, at their own addresses."""
    assert not {rewrite.function for rewrite in rewrites()} & set(PRIVATE)
    for name in PRIVATE:
        for path in (f"/{name}", f"/{name}/", f"/api/{name}"):
            assert first_for(path).function == "meta"


def test_rewrites_name_deployed_functions_and_their_regions() -> None:
    """Each folder is a function in `firebase.json`, and each rewrite names a function and its region."""
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    assert {Path(entry["source"]).name for entry in config["functions"]} == {f.name for f in functions()}
    for rewrite in rewrites():
        yaml = (ROOT / "functions" / rewrite.function / "functions.yaml").read_text(encoding="utf-8")
        assert f"region: [{rewrite.region}]" in yaml


def test_no_static_file_hides_a_route() -> None:
    """Hosting serves files in `public/` before it applies the rewrites."""
    for file in (ROOT / "public").rglob("*"):
        path = f"/{file.relative_to(ROOT / 'public')}"
        assert path not in SAMPLES
        assert path.removesuffix("/index.html") not in SAMPLES
        assert file.name != "index.html" or file.parent != ROOT / "public", "it would hide GET /"


def test_the_local_root_routes_as_hosting_does(tmp_path: Path) -> None:
    """The project that `make run` composes has the same rewrites, and functions with the same names."""
    names = compose(LAYOUT, tmp_path, Ports())
    composed = json.loads((tmp_path / "firebase.json").read_text())
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    assert composed["hosting"] == config["hosting"]
    assert sorted(names) == [function.name for function in functions()]


def test_names_that_begin_with_a_dot_are_rewritten() -> None:
    """A session's id may begin with a dot. Globs would not match it, and Hosting would return its own 404."""
    for path in ("/sessions/.mine/config", "/api/sessions/.mine", "/rest/.x", "/docs/.x"):
        assert first_for(path).regex == f"^(/api)?/{path.removeprefix('/api').split('/')[1]}(/.*)?$"


def test_rewrites_are_interpreted_like_hostings() -> None:
    """The emulator's matcher agrees on every rewrite, for every path of these tests and for some unusual ones."""
    extra = [
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
    paths = [*extra, *SAMPLES, *(f"/api{path}" for path in SAMPLES), *(f"{path}/" for path in SAMPLES)]
    script = (
        "const {configMatcher} = require('superstatic/lib/utils/patterns');"
        "const [regexes, paths] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "const row = (regex) => paths.map((path) => configMatcher(path, {regex}));"
        "console.log(JSON.stringify(regexes.map(row)))"
    )
    table = rewrites()
    done = subprocess.run(
        ["node", "-e", script],
        input=json.dumps([[rewrite.regex for rewrite in table], paths]),
        cwd=LAYOUT.root,
        capture_output=True,
        text=True,
        check=True,
    )
    actual = [[rewrite.matches(path) for path in paths] for rewrite in table]
    for rewrite, expected, found in zip(table, json.loads(done.stdout), actual, strict=True):
        assert [path for path, a, b in zip(paths, expected, found, strict=True) if a != b] == [], rewrite.regex
