"""Routing is one table: Hosting's rewrites, the local root's, and the functions' own routes say the same."""

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
    """A path that the route is for."""
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
    """In both path forms, by a rewrite of its own, and with a slash at the end too."""
    asked = f"{prefix}{path}".rstrip("/") or "/"
    rewrite, slashed = first_for(asked), first_for(asked.rstrip("/") + "/")
    assert rewrite != rewrites()[-1], f"{asked} has no rewrite"
    assert rewrite.function == function.name, f"{asked} goes to {rewrite.function}, by {rewrite.regex}"
    assert slashed.function == function.name, f"{asked}/ goes to {slashed.function}, by {slashed.regex}"


@pytest.mark.parametrize(("function", "path", "methods"), ROUTES)
def test_a_route_is_one_functions(function: Function, path: str, methods: list[str]) -> None:
    """No other function would answer it."""
    for method in methods:
        scope = {"type": "http", "path": path, "root_path": "", "method": method}
        claim = [
            other.name
            for other in PUBLIC
            if any(route.matches(dict(scope))[0] is Match.FULL for route in routes_of(other))
        ]
        assert claim == [function.name]


@pytest.mark.parametrize("rewrite", rewrites()[:-1], ids=lambda rewrite: rewrite.regex)
def test_a_rewrite_reaches_a_route(rewrite: object) -> None:
    """Of its function, and no earlier rewrite takes all of them."""
    asked = ["/api", *(f"{prefix}{path}" for prefix in ("", "/api") for path in SAMPLES)]
    assert any(first_for(path) == rewrite for path in asked)


def test_what_nobody_serves_is_answered_by_meta() -> None:
    """Its 404 is JSON, where Hosting's own is a page."""
    last = rewrites()[-1]
    assert (last.regex, last.function) == ("^.*$", "meta")
    for path in ("/chatter", "/nonsense", "/openapi.yaml", "/docsx", "/agents.json", "/healthy", "/restful/x", "/.env"):
        for prefix in ("", "/api"):
            assert first_for(prefix + path) == last


def test_the_private_functions_are_not_reached() -> None:
    """Only the queue and the scheduler call them, at their own addresses."""
    assert not {rewrite.function for rewrite in rewrites()} & set(PRIVATE)
    for name in PRIVATE:
        for path in (f"/{name}", f"/{name}/", f"/api/{name}"):
            assert first_for(path).function == "meta"


def test_every_function_is_deployed_where_the_rewrites_look() -> None:
    """A folder is a function of `firebase.json`; a rewrite names one, in its region."""
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    assert {Path(entry["source"]).name for entry in config["functions"]} == {f.name for f in functions()}
    for rewrite in rewrites():
        yaml = (ROOT / "functions" / rewrite.function / "functions.yaml").read_text(encoding="utf-8")
        assert f"region: [{rewrite.region}]" in yaml


def test_no_static_file_hides_a_route() -> None:
    """Hosting serves what is in `public/` before it looks at the rewrites."""
    for file in (ROOT / "public").rglob("*"):
        path = f"/{file.relative_to(ROOT / 'public')}"
        assert path not in SAMPLES
        assert path.removesuffix("/index.html") not in SAMPLES
        assert file.name != "index.html" or file.parent != ROOT / "public", "it would hide GET /"


def test_the_local_root_routes_as_hosting_does(tmp_path: Path) -> None:
    """What `make run` composes has the same rewrites, and the same functions by the same names."""
    names = compose(LAYOUT, tmp_path, Ports())
    composed = json.loads((tmp_path / "firebase.json").read_text())
    config = json.loads((ROOT / "firebase.json").read_text(encoding="utf-8"))
    assert composed["hosting"] == config["hosting"]
    assert sorted(names) == [function.name for function in functions()]


def test_what_begins_with_a_dot_is_a_name_like_any_other() -> None:
    """A session's id may: globs would leave it to Hosting's own 404."""
    for path in ("/sessions/.mine/config", "/api/sessions/.mine", "/rest/.x", "/docs/.x"):
        assert first_for(path).regex == f"^(/api)?/{path.removeprefix('/api').split('/')[1]}(/.*)?$"


def test_rewrites_are_read_as_hosting_reads_them() -> None:
    """The emulator's own matcher agrees about every rewrite and every path of these tests, and some odd ones."""
    odd = ["/", "/api", "/api/", "//", "/.x", "/chat/.x", "/chat//", "/api/chat/a/b/", "/agents/x1/deploy/", "/docs/"]
    paths = [*odd, *SAMPLES, *(f"/api{path}" for path in SAMPLES), *(f"{path}/" for path in SAMPLES)]
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
    ours = [[rewrite.takes(path) for path in paths] for rewrite in table]
    for rewrite, expected, found in zip(table, json.loads(done.stdout), ours, strict=True):
        assert [path for path, a, b in zip(paths, expected, found, strict=True) if a != b] == [], rewrite.regex
