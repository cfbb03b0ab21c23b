"""Where an API is reached, when its document says so only in relation to where it was fetched."""

import json
from functools import partial
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.openapi import parse, write_tool_docs
from shared.openapi.locating import locate

URL = "https://api.example.com:8443/docs/v2/openapi.yaml?key=secret#top"
PATHS = {"/pets": {"get": {"operationId": "listPets", "responses": {"200": {"description": "ok"}}}}}


def document(**fields: Any) -> dict[str, Any]:
    return {"openapi": "3.0.3", "info": {"title": "Pets", "version": "1"}, "paths": PATHS, **fields}


def swagger(**fields: Any) -> dict[str, Any]:
    return {"swagger": "2.0", "info": {"title": "Pets", "version": "1"}, "paths": PATHS, **fields}


CASES = [
    (document(servers=[{"url": "/api/v3"}]), ["https://api.example.com:8443/api/v3"]),
    (document(servers=[{"url": "/"}]), ["https://api.example.com:8443"]),
    (document(servers=[{"url": ""}]), ["https://api.example.com:8443"]),
    (document(servers=[]), ["https://api.example.com:8443"]),
    (document(), ["https://api.example.com:8443"]),
    (document(servers=[{"url": "api"}]), ["https://api.example.com:8443/docs/v2/api"]),
    (document(servers=[{"url": "./api/"}]), ["https://api.example.com:8443/docs/v2/api"]),
    (document(servers=[{"url": "../v3"}]), ["https://api.example.com:8443/docs/v3"]),
    (document(servers=[{"url": "//other.test/v3"}]), ["https://other.test/v3"]),
    (
        document(servers=[{"url": "https://whole.test/v1"}, {"url": "/v2"}]),
        ["https://whole.test/v1", "https://api.example.com:8443/v2"],
    ),
    (
        document(servers=[{"url": "/{version}", "variables": {"version": {"default": "v9"}}}]),
        ["https://api.example.com:8443/v9"],
    ),
    (
        document(servers=[{"url": "{base}/x", "variables": {"base": {"default": "/api"}}}]),
        ["https://api.example.com:8443/api/x"],
    ),
    (
        document(servers=[{"url": "{base}/x", "variables": {"base": {"default": "https://whole.test"}}}]),
        ["https://whole.test/x"],
    ),
    (swagger(), ["https://api.example.com:8443"]),
    (swagger(basePath="/v2"), ["https://api.example.com:8443/v2"]),
    (swagger(basePath="/v2", schemes=["http"]), ["http://api.example.com:8443/v2"]),
    (swagger(host="whole.test", basePath="/v2"), ["https://whole.test/v2"]),
    (swagger(host="whole.test:8443", basePath="v2"), ["https://whole.test:8443/v2"]),
]


@pytest.mark.parametrize("write", [json.dumps, partial(json.dumps, indent=2), yaml.safe_dump])
@pytest.mark.parametrize(("tree", "bases"), CASES)
def test_the_docs_have_whole_addresses(tree: dict[str, Any], bases: list[str], write: Any) -> None:
    """From the kept text alone, whatever it was written in; and nothing of the address' query."""
    written = write(tree)
    kept = locate(parse(written), written, URL)
    head = write_tool_docs(parse(kept), 10_000).split("\n###")[0]
    for base in bases:
        assert base in head
    assert "secret" not in kept
    assert {**json.loads(json.dumps(parse(kept).tree)), "servers": 0, "host": 0, "schemes": 0} == {
        **tree,
        "servers": 0,
        "host": 0,
        "schemes": 0,
    }


def test_a_scheme_that_is_not_the_usual_is_the_documents_own() -> None:
    """Swagger 2: without schemes, the one by which the document was fetched."""
    written = json.dumps(swagger(host="whole.test"))
    assert parse(locate(parse(written), written, "http://x.test/a.json")).tree["schemes"] == ["http"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "# A comment\nopenapi: 3.0.3\nservers:\n- url: /v1   # here\n  description: d\n# about info\ninfo: {title"
            ": T}\npaths: {/a: {get: {}}}\n",
            '# A comment\nopenapi: 3.0.3\nservers: [{"url": "https://h.test/v1", "description": "d"}]\n'
            "info: {title: T}\npaths: {/a: {get: {}}}\n",
        ),
        (
            "%YAML 1.2\n---\nopenapi: 3.1.0\r\npaths: {/a: {get: {}}}  # all\r\n",
            '%YAML 1.2\n---\nservers: [{"url": "https://h.test", "description": "The document names no server; it was '
            'fetched from this one."}]\nopenapi: 3.1.0\r\npaths: {/a: {get: {}}}  # all\r\n',
        ),
        (
            '{"openapi": "3.0.0",  "servers" : [ {"url":"/v1"} ] ,"paths": {"/a": {"get": {}}} }',
            '{"openapi": "3.0.0",  "servers" : [{"url": "https://h.test/v1"}] ,"paths": {"/a": {"get": {}}} }',
        ),
    ],
)
def test_the_rest_of_the_text_stays_as_it_is(before: str, after: str) -> None:
    """Comments between what is replaced and what follows go with it."""
    assert locate(parse(before), before, "https://h.test/x/openapi.yaml") == after


@pytest.mark.parametrize(
    "tree",
    [
        document(servers=[{"url": "https://whole.test"}]),
        {**document(), "paths": {}},
        {"openapi": "3.1.0", "components": {}},
        swagger(host="whole.test", schemes=["https"]),
        swagger(host="whole.test"),
    ],
)
def test_a_document_that_is_whole_is_left_alone(tree: dict[str, Any]) -> None:
    """And one that has nothing to be called."""
    written = json.dumps(tree, indent=3)
    assert locate(parse(written), written, URL) is written


def test_servers_of_paths_and_operations_are_made_whole() -> None:
    """They win over the document's."""
    paths = {"/a": {"servers": [{"url": "/p"}], "get": {"servers": [{"url": "o"}], "operationId": "x"}}}
    written = json.dumps(document(paths=paths))
    kept = parse(locate(parse(written), written, "https://h.test/d/openapi.json"))
    assert "Base URL of this operation: https://h.test/d/o" in write_tool_docs(kept, 10_000)
    item: Any = kept.tree["paths"]["/a"]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]
    assert item["servers"] == [{"url": "https://h.test/p"}]


JUNK = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.sampled_from(["/v1", "{a}", "http://[", "//", ":", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "variables", "a", "default"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JUNK, JUNK, st.sampled_from(["servers", "host", "schemes", "basePath"]))
def test_any_servers_are_read(servers: Any, other: Any, key: str) -> None:
    """What makes no sense stays as it is."""
    for tree in (document(servers=servers), swagger(**{key: other}), document(servers=[{"url": servers}, other])):
        written = json.dumps(tree)
        write_tool_docs(parse(locate(parse(written), written, URL)), 2000)


def test_an_alias_bomb_is_not_written_out() -> None:
    """A long text that is named a thousand times is a thousand times as long when it is written."""
    written = (
        "openapi: 3.0.0\ninfo: {title: T}\npaths:\n  /a:\n    servers: [{url: /v1}]\n    get: {}\n"
        f"x-a: &a {'x' * 100_000}\nx-b: [{', '.join(['*a'] * 1000)}]\n"
    )
    assert locate(parse(written), written, URL) is written
