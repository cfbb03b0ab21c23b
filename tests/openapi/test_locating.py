"""`locate` makes an API's relative server addresses absolute, based on the address of its document."""

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
def test_the_docs_have_absolute_addresses(tree: dict[str, Any], bases: list[str], write: Any) -> None:
    """The stored text, in any format, contains absolute addresses without the query of the document's address."""
    text = write(tree)
    stored = locate(parse(text), text, URL)
    head = write_tool_docs(parse(stored), 10_000).split("\n###")[0]
    for base in bases:
        assert base in head
    assert "secret" not in stored
    assert {**json.loads(json.dumps(parse(stored).tree)), "servers": 0, "host": 0, "schemes": 0} == {
        **tree,
        "servers": 0,
        "host": 0,
        "schemes": 0,
    }


def test_a_missing_scheme_is_taken_from_the_documents_address() -> None:
    """A Swagger 2 document without schemes gets the scheme with which it was fetched."""
    text = json.dumps(swagger(host="whole.test"))
    assert parse(locate(parse(text), text, "http://x.test/a.json")).tree["schemes"] == ["http"]


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
def test_the_rest_of_the_text_does_not_change(before: str, after: str) -> None:
    """Only the servers are replaced, together with comments between them and the next key."""
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
def test_a_document_with_absolute_addresses_does_not_change(tree: dict[str, Any]) -> None:
    """A document with absolute addresses or without operations does not change."""
    text = json.dumps(tree, indent=3)
    assert locate(parse(text), text, URL) is text


def test_servers_of_paths_and_operations_become_absolute() -> None:
    """The servers of a path or an operation, which override those of the document, become absolute."""
    paths = {"/a": {"servers": [{"url": "/p"}], "get": {"servers": [{"url": "o"}], "operationId": "x"}}}
    text = json.dumps(document(paths=paths))
    stored = parse(locate(parse(text), text, "https://h.test/d/openapi.json"))
    assert "Base URL of this operation: https://h.test/d/o" in write_tool_docs(stored, 10_000)
    item: Any = stored.tree["paths"]["/a"]  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]
    assert item["servers"] == [{"url": "https://h.test/p"}]


INVALID_VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.sampled_from(["/v1", "{a}", "http://[", "//", ":", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "variables", "a", "default"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(INVALID_VALUES, INVALID_VALUES, st.sampled_from(["servers", "host", "schemes", "basePath"]))
def test_invalid_servers_are_accepted(servers: Any, other: Any, key: str) -> None:
    """Invalid servers raise no errors."""
    for tree in (document(servers=servers), swagger(**{key: other}), document(servers=[{"url": servers}, other])):
        text = json.dumps(tree)
        write_tool_docs(parse(locate(parse(text), text, URL)), 2000)


def test_an_alias_bomb_is_not_expanded() -> None:
    """A long text with a thousand aliases does not change, because rewriting it would expand all of them."""
    text = (
        "openapi: 3.0.0\ninfo: {title: T}\npaths:\n  /a:\n    servers: [{url: /v1}]\n    get: {}\n"
        f"x-a: &a {'x' * 100_000}\nx-b: [{', '.join(['*a'] * 1000)}]\n"
    )
    assert locate(parse(text), text, URL) is text
