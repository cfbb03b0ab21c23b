"""`parse` accepts API descriptions, refuses other text with a reason, and handles harmful text safely."""

import json
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.openapi import Document, NotASpec, parse, yaml_text
from tests.openapi.documents import NAMES, code_hosting, read_text

HEAD = "openapi: 3.0.0\ninfo: {title: T, version: 1}\npaths: {}\n"


def refusal_of(text: str) -> str:
    """Returns the error message for the text, and checks that it is one short line."""
    with pytest.raises(NotASpec) as caught:
        parse(text)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "family", "specification", "title", "version"),
    [
        ("payments.yaml", "openapi", "3.0.3", "Payments", "2024-06-20"),
        ("weather.yaml", "openapi", "3.1.0", "Weather", "2024-06-20"),
        ("petstore.json", "swagger", "2.0", "Petstore", "1.0.7"),
        ("completions.yaml", "openapi", "3.1.0", "Completions", "2.3.0"),
        ("crm.yaml", "openapi", "3.0.1", "CRM", "v3"),
    ],
)
def test_the_head_of_a_document_is_read(name: str, family: str, specification: str, title: str, version: str) -> None:
    """The specification, the title and the version are read from JSON and from YAML."""
    document = parse(read_text(name))
    assert (document.family, document.specification) == (family, specification)
    assert (document.title, document.name, document.version) == (title, title, version)


@pytest.mark.parametrize("name", NAMES)
def test_json_and_yaml_give_the_same_document(name: str) -> None:
    """A document from YAML does not change when it is written as JSON and parsed again."""
    document = parse(read_text(name))
    assert parse(json.dumps(document.tree)) == document


def test_both_yaml_parsers_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """If libyaml is missing, PyYAML's Python parser gives the same result."""
    monkeypatch.setattr(yaml_text, "_LOADER", yaml.SafeLoader)
    by_python = [parse(read_text(name)) for name in NAMES]
    monkeypatch.undo()
    assert by_python == [parse(read_text(name)) for name in NAMES]


@pytest.mark.parametrize("version", ["3.0", "3.1", "3.2", "3.0.0", "3.1.1", "3.2.0", "'3.0.0'", "3.0.0-rc2"])
def test_versions_may_be_numbers(version: str) -> None:
    """`openapi: 3.0`, which is a number in YAML, is accepted as a version."""
    assert parse(f"openapi: {version}\npaths: {{}}").specification == version.strip("'")


@pytest.mark.parametrize("title", ["", "title: 3", "title: [x]", "title: ' '"])
def test_a_document_needs_no_title(title: str) -> None:
    """A document without a usable title is valid and has no name."""
    document = parse(f"swagger: 2.0\ninfo: {{{title}}}\npaths: {{}}")
    assert document.name == ("3" if title == "title: 3" else None)


def test_a_title_is_shortened_to_one_line() -> None:
    """A title is shortened to 200 characters on one line, without control characters."""
    document = parse(json.dumps({"openapi": "3.0.0", "info": {"title": "a\nb\u202e\ud800" + "c" * 9999}, "paths": {}}))
    assert document.name
    assert document.name.startswith("a bc")
    assert len(document.name) == 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" \n\ufeff ", ""),
        ("# only a comment", "empty"),
        ("<!DOCTYPE html><html></html>", "HTML page"),
        ("\n <html lang=en>", "HTML page"),
        ("<?xml version='1.0'?><definitions/>", "XML"),
        ("Not found", "plain text"),
        ("[1, 2]", "a list"),
        ("42", "a single value"),
        ('{"openapi": "3.0.0",', "valid JSON"),
        ('{"openapi": "3.0.0"\n "paths": {}}', "line 2, column 2"),
        ("a: b: c", "line 1, column 5"),
        ("a:\n\t- b", "line 2, column 1"),
        ("a: \x00", "control character (line 1, column 4)"),
        ("a: \ud800", "control character"),
        ("{}", "no top-level `openapi` or `swagger`"),
        ('{"error": "Not found", "code": 404}', "but error, code"),
        ('{"asyncapi": "2.0.0"}', "AsyncAPI"),
        ('{"info": {"_postman_id": ""}, "item": []}', "Postman"),
        ('{"openapi": "2.0", "paths": {}}', "openapi: 2.0"),
        ('{"openapi": "4.0.0", "paths": {}}', "openapi: 4.0.0"),
        ('{"openapi": "3.10", "paths": {}}', "openapi: 3.10"),
        ('{"openapi": null, "paths": {}}', "openapi: nothing"),
        ('{"openapi": true, "paths": {}}', "openapi: nothing"),
        ('{"swagger": "1.2", "paths": {}}', "swagger: 1.2"),
        ('{"swaggerVersion": "1.2"}', "Swagger 1"),
        ('{"openapi": "3.0.0"}', "no `paths`"),
        ('{"openapi": "3.0.0", "components": {}}', "no `paths`"),
        ('{"openapi": "3.0.0", "paths": []}', "it is a list"),
        ('{"openapi": "3.1.0"}', "no `paths`, `webhooks` or"),
        ('{"openapi": "3.1.0", "paths": null, "components": {}}', "it is empty"),
        (HEAD + "---\n" + HEAD, "more than one YAML document"),
        (HEAD + "x: *nowhere", "has no target"),
        (HEAD + "x: &a [*a]", "is inside its own target"),
        (HEAD + "? [a]\n: b", "used as a key"),
        (HEAD + "x: &a [1]\n*a : 1", "used as a key"),
    ],
)
def test_other_text_is_refused_with_a_reason(text: str, message: str) -> None:
    """The message says what the text is instead of an API description, or gives the position of a syntax error."""
    assert message in refusal_of(text)


@pytest.mark.parametrize("version", ["3.1.0", "3.2.0"])
@pytest.mark.parametrize("extra", ["webhooks", "components"])
def test_a_document_since_3_1_needs_no_paths(extra: str, version: str) -> None:
    """Since OpenAPI 3.1, a document may consist of only webhooks or components."""
    assert parse(json.dumps({"openapi": version, extra: {}}))


def bomb(levels: int, opening: str) -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} {opening.format(f'*a{n - 1}')}" for n in range(1, levels)]
    return HEAD + "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(40, "[{0},{0},{0},{0},{0},{0},{0},{0},{0}]"),
        bomb(100, "{{x: {0}, y: {0}}}"),
        HEAD + "a: &a {x: 1}\n" + "".join(f"b{n}: &b{n} {{<<: [*a, *a], y{n}: [*a, *a]}}\n" for n in range(60_000)),
        HEAD + "a: &a\n" + "".join(f"  k{n}: {n}\n" for n in range(5000)) + "b: [" + "{<<: *a}," * 5000 + "]",
    ],
)
def test_a_yaml_bomb_is_refused(text: str) -> None:
    """Aliases that expand to too many values are refused before any value is built from them."""
    assert "aliases of this YAML expand" in refusal_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[" * 400 + "]" * 400,
        '{"a":' * 100_000,
        '{"a":' * 500 + "1" + "}" * 500,
        "x: " + "[" * 100_000,
        "- " * 5000 + "x",
        "\n".join(" " * n + "a:" for n in range(1000)),
        HEAD + "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 250)),
        '{"openapi": ' + "9" * 5000 + "}",
    ],
)
def test_depth_and_digits_are_limited(text: str) -> None:
    """Text with too many digits or with nesting that is too deep, even by aliases, is refused without an overflow."""
    refusal_of(text)


def test_ordinary_anchors_are_accepted() -> None:
    """Aliases share their target, explicit keys override merged ones, and an anchor may be redefined."""
    tree = parse(
        HEAD + "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\nc: &x [5]\nd: *x\n'<<': 7\ne: {<<: [{m: 1}, {m: 2}], n: 0}"
    ).tree
    assert [tree[key] for key in "abcde"] == [{"k": 1, "l": 2}, {"k": 3, "l": 2}, [5], [5], {"n": 0, "m": 1}]
    assert tree["<<"] == 7
    assert tree["c"] is tree["d"]


def test_yaml_values_have_json_types() -> None:
    """Keys, `on`, dates and times become strings. Numbers, booleans and null have their JSON types."""
    tree = parse(
        HEAD + "200: a\non: yes\nx: [2024-01-31, 12:30:00, no, 0x1F, 1e3, -2, ~, true, '1', !!str 2, !!int '3', 1_0]\n"
        "z: !!python/object/apply:os.system [ls]\n1.10: .inf"
    ).tree
    assert (tree["200"], tree["on"], tree["1.10"]) == ("a", "yes", ".inf")
    assert tree["x"] == ["2024-01-31", "12:30:00", "no", 31, 1000.0, -2, None, True, "1", "2", 3, "1_0"]
    assert tree["z"] == ["ls"]


def test_braces_may_be_yaml() -> None:
    """YAML that starts with a brace, like JSON, is read as YAML."""
    assert parse("{openapi: 3.0.0, paths: {}, }").specification == "3.0.0"


@pytest.mark.timeout(30)
def test_a_large_document_is_read_quickly() -> None:
    """Megabytes of JSON, even if it is truncated, and of YAML are read within seconds."""
    text = code_hosting(2000)
    assert len(parse(text).tree) == 5
    assert "valid JSON" in refusal_of(text[:-1])
    assert len(parse("# YAML\n" + text).tree) == 5


def test_json_needs_no_yaml() -> None:
    """PyYAML is loaded only for YAML, because most documents are JSON, and imports slow a cold start."""
    code = (
        "import sys; from shared.openapi import parse, write_tool_docs\n"
        """write_tool_docs(parse('{"openapi": "3.0.0", "paths": {}}'), 100)\n"""
        "print('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@settings(deadline=None)
@given(
    st.one_of(
        st.text(),
        st.text(alphabet=" \n\t-:?[]{},&*!|>'\"%@`#<ab01.~"),
        st.text(alphabet=" \n-:[]{},&*ab<").map(lambda text: HEAD + text),
        st.text().map(lambda text: '{"openapi": "3.0.0", "paths": {}, "x": ' + text),
    )
)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """For any text, `parse` returns a document or raises `NotASpec`."""
    outcome: object
    try:
        outcome = parse(text)
    except NotASpec as error:
        outcome = error.message
    assert isinstance(outcome, Document) or (isinstance(outcome, str) and outcome and "\n" not in outcome)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a" 1}', "This is not valid JSON: a colon is missing (line 1, column 6)."),
        ('{"a":"x', "This is not valid JSON: a string that begins there is not closed (line 1, column 6)."),
        ("{a:1", "This is not valid JSON: a name in double quotes is missing (line 1, column 2)."),
        ("[1,2", "This is not valid JSON: a comma or the end is missing (line 1, column 5)."),
        ('{"openapi": 1}\n{}', "This is not valid JSON: there is more text after its end (line 2, column 1)."),
        ('{"a": ]', "This is not valid JSON: a value is missing (line 1, column 7)."),
        ('{"a":"\\q"}', "This is not valid JSON: a backslash is not a valid escape there (line 1, column 7)."),
        ("a: b: c", "a colon is not allowed there, except in a string with quotes (line 1, column 5)."),
        ("a:\n\t- b", "begins with a character that is not allowed: a tab, @ or ` (line 2, column 1)."),
        ("a: [1", "a list or an object in brackets is not closed, or lacks a comma (line"),
        ("- a\nb: c", "a line in a list is not an item"),
        ('"x', "a quoted string is not closed (line 1"),
        ("a: 1\n  b: 2", "a colon is not allowed there"),
        ("a: {b: 1}\n c: 2", "is indented differently from the keys before it"),
        ("a: 1\nb\nc: 2", "the colon after a key is missing"),
        ('a: "\\x"', "a backslash in a string is not a valid escape (line 1"),
        ("%YAML 3.0\n---\na: 1", "it requires a version of YAML that is not supported"),
        ("a: !<tag", "a tag is malformed"),
        ("a: *", "an anchor or an alias is malformed"),
        ("a: |3z", "the text after | or > is not allowed there"),
    ],
)
def test_syntax_errors_are_described_without_library_messages(text: str, message: str) -> None:
    """The message for a syntax error gives the position and does not come from a library."""
    with pytest.raises(NotASpec) as raised:
        parse(text)
    assert message in str(raised.value)
