"""The docs that a model gets about an API within a budget, for documents based on well-known APIs."""

import json
import re

import pytest

from shared.openapi import Document, parse, write_tool_docs
from shared.openapi.detail import LADDER
from tests.openapi.documents import NAMES, code_hosting, read_text

LARGE_BUDGET = 200_000

METHODS = {"get", "put", "post", "delete", "patch"}


def docs(name: str, budget: int = LARGE_BUDGET) -> str:
    return write_tool_docs(parse(read_text(name)), budget)


def section(text: str, operation: str) -> str:
    """Returns the section about the operation with this id."""
    return next(part for part in text.split("\n### ") if f"({operation})" in part.split("\n", 1)[0])


def bare_lines(document: Document) -> list[str]:
    """Returns the expected lines of the operations, without details, in the document's order."""
    lines: list[str] = []
    tree = json.loads(json.dumps(document.tree))
    for path, item in tree["paths"].items():
        if item.get("$ref", "").startswith("#/components/pathItems/"):
            item = tree["components"]["pathItems"][item["$ref"].rsplit("/", 1)[-1]]
        for method, operation in item.items():
            if method in METHODS:
                id_ = operation.get("operationId")
                lines.append(f"{method.upper()} {path}" + (f" ({id_})" if id_ else ""))
    return lines


def operation_lines(text: str) -> list[str]:
    """Returns the operations' lines in the docs, without their details."""
    found = re.finditer(r"^(?:### )?((?:GET|PUT|POST|DELETE|PATCH) \S+(?: \([^\s:]+\))?)(?:: .*)?$", text, re.MULTILINE)
    return [match[1] for match in found]


@pytest.mark.parametrize("name", [*NAMES, "code hosting"])
def test_all_operations_are_listed_for_every_budget(name: str) -> None:
    """For any budget, all operations are listed in order. The docs fit unless the bare lines exceed the budget."""
    document = parse(code_hosting(100) if name == "code hosting" else read_text(name))
    lines = bare_lines(document)
    min_size = len("\n".join(lines))
    max_size = len(write_tool_docs(document, 10**9))
    steps = (min_size + (max_size - min_size) * step // 25 for step in range(1, 26))
    for budget in [-1, 0, min_size - 1, min_size, *steps]:
        text = write_tool_docs(document, budget)
        assert operation_lines(text) == lines
        assert len(text) <= max(budget, min_size)
    assert write_tool_docs(document, 0) == "\n".join(lines)


@pytest.mark.parametrize("name", NAMES)
def test_detail_grows_with_the_budget(name: str) -> None:
    """A larger budget never makes the docs shorter."""
    document = parse(read_text(name))
    sizes = [len(write_tool_docs(document, budget)) for budget in range(0, 12_000, 300)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 4


def test_details_are_omitted_in_order() -> None:
    """Details are omitted equally for all operations: responses first, then nested fields, then prose, then types."""
    document = parse(code_hosting(40))
    texts = [write_tool_docs(document, budget) for budget in range(2_000, 240_000, 4_000)]
    counts = [
        (
            text.count("parents: [resource"),
            text.count("Returns 200"),
            text.count("> Anyone with"),
            text.count("- owner (path, required): string"),
            text.count("Parameters:"),
        )
        for text in texts
    ]
    for column in zip(*counts, strict=True):
        assert list(column) == sorted(column)
    for returns, prose, types, parameters in (entry[1:] for entry in counts):
        assert {returns, prose, types, parameters} <= {0, 40}
        assert returns >= prose
        assert parameters >= types >= prose
    assert {entry[1:] for entry in counts} >= {(0, 0, 0, 0), (40, 40, 40, 40)}


def test_each_step_of_the_ladder_has_less_detail() -> None:
    """No step of the ladder shows more of any detail than the previous step."""

    def measure(step: int) -> list[int]:
        detail = LADDER[step]
        extents = [
            value
            for extent in (detail.response, detail.body)
            for value in ((extent.levels, extent.length, extent.description_length) if extent else (-1, -1, -1))
        ]
        parameters = ("none", "required", "named", "typed").index(detail.parameters)
        return [*extents, detail.head, parameters, detail.description, detail.parameter_length, detail.error_length]

    for step in range(1, len(LADDER)):
        assert all(after <= before for before, after in zip(measure(step - 1), measure(step), strict=True))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "payments.yaml",
            [
                "# Payments (2024-06-20)\n> Take money. Amounts are in the smallest unit of a currency.",
                "Base URL: https://api.payments.test\n",
                "- basicAuth: HTTP basic, header `Authorization: Basic <base64 of user:password>`. The key as user",
                "- bearerAuth: header `Authorization: Bearer <token>`, format auth-scheme",
                "Unless an operation says otherwise, it needs: basicAuth or bearerAuth",
            ],
        ),
        (
            "weather.yaml",
            [
                "Base URL: https://eu.weather.test/v2 (Production; region may also be us)",
                "- key: API key in query parameter `appid`",
            ],
        ),
        (
            "petstore.json",
            [
                "Base URLs:\n- https://petstore.test/v2\n- http://petstore.test/v2\n",
                "- api_key: API key in header `api_key`",
                "- petstore_auth: OAuth 2.0 access token in header `Authorization: Bearer <token>`; flows: implicit; "
                "scopes: read:pets, write:pets",
                "- plain: HTTP basic",
            ],
        ),
        (
            "completions.yaml",
            [
                "Base URL: https://api.completions.test/v1\n",
                "- ApiKeyAuth: header `Authorization: Bearer <token>`",
                "Path /remote is described elsewhere: https://elsewhere.test/paths.yaml#/remote (not in this document)",
            ],
        ),
        (
            "crm.yaml",
            [
                "Base URLs:\n- https://api.crm.test\n- https://eu.crm.test (Europe)\n",
                "flows: clientCredentials (token from https://crm.test/token); scopes: contacts.read, contacts.write",
                "- portal: API key in cookie `session`",
                "- hmac: header `Authorization: HMAC <credentials>`",
            ],
        ),
    ],
)
def test_addresses_and_authentication(name: str, expected: list[str]) -> None:
    """Base URLs and authentication are described once at the top of the docs."""
    head = docs(name).split("\n### ", 1)[0]
    for line in expected:
        assert line in head


@pytest.mark.parametrize(
    ("name", "operation", "expected"),
    [
        (
            "payments.yaml",
            "GetCharges",
            [
                "> Returns a list of charges.\n",
                "- created (query): range {gt: integer, lt: integer} | integer, as name[key]=value",
                "- expand (query): [string], separated by commas",
                "- limit (query): integer = 10 — Between 1 and 100.",
                "Returns 200 (application/json): {data*: [charge {id*: string, amount*: integer, object*: ",
                "Errors: default Error response.",
            ],
        ),
        (
            "payments.yaml",
            "PostCharges",
            [
                "Body (application/x-www-form-urlencoded, required): {amount*: integer /* In cents. */, "
                "currency*: string<currency>, customer: string, metadata: {[key]: string}, shipping: shipping {"
                "address: address {city: string | null, country: string}, name: string}}\n",
                'object*: "charge", customer: string | customer {id*: string, ',
                "source: source {id: string, owner: customer {",
                "shipping {address: address {city: string | null, country: string}, name: string} | null",
                "Errors: 402 The card was declined.; default Error response.",
            ],
        ),
        (
            "payments.yaml",
            "GetCustomersCustomer",
            ["- customer (path, required): string\n", "latest_charge: charge {", "owner: customer}"],
        ),
        (
            "payments.yaml",
            "PostFiles",
            [
                "Base URL of this operation: https://files.payments.test\n",
                'Body (multipart/form-data): {file*: string<binary>, purpose*: "dispute_evidence" | "identity_',
                "Returns 200 without content",
            ],
        ),
        (
            "weather.yaml",
            "getForecast",
            [
                "- lat (query, required): number<double>\n- lon (query, required): number<double>\n",
                '- units (query): "standard" | "metric" | "on" | "no" = "metric"',
                '- from (query): string<date> = "2024-01-31"',
                "Forecast {hours: [Hour {at*: integer /* Seconds since 1970 */, rain: number | null, wind: tuple[",
                "Errors: 401 The key is wrong; 429 Too many requests",
            ],
        ),
        ("weather.yaml", "getNow", ["Authentication: none\n", "- lat (query, required)"]),
        (
            "petstore.json",
            "addPet",
            [
                "Authentication: petstore_auth (write:pets)",
                "Body (application/json, required): Pet {name*: string, "
                "category: Category {id: integer, name: string}, friends: [Pet]}\n",
                "Errors: 405 Invalid input",
            ],
        ),
        (
            "petstore.json",
            "findPetsByStatus",
            ["> Deprecated.\n", '- status (query, required): ["available" | "sold"], repeated for each value'],
        ),
        (
            "petstore.json",
            "getPetById",
            [
                "Authentication: api_key\n",
                "- petId (path, required): integer<int64>\n",
                "Returns 200 (application/json): Pet {id: integer<int64>, category",
                "Errors: 404 No such pet",
            ],
        ),
        (
            "petstore.json",
            "uploadFile",
            [
                "Base URL of this operation: https://petstore.test/v2\n",
                "Body (multipart/form-data, required): {file*: file, note: string}\n",
                "Returns 200 (application/json): {[key]: integer}",
            ],
        ),
        (
            "completions.yaml",
            "createChatCompletion",
            [
                'messages*: [System {role*: "system", content: string} | User {role*: "user", '
                'content: string | [string] | null} (distinguished by role: "system" is System, "user" is User)]',
                "temperature: number | null = 1",
                "Returns 200 (application/json): Answer {id*: string, choices: [System {",
                "Returns 200 (text/event-stream): Chunk {delta: string}",
                "Errors: 4XX Your fault; 5XX Ours",
            ],
        ),
        (
            "completions.yaml",
            "createTranscription",
            [
                "Body (multipart/form-data, required): {file*: string<binary> /* The sound */, "
                'model*: string | "whisper-1" | "large"}',
            ],
        ),
        ("completions.yaml", "retrieveBatch", ["GET /batches/{id}", "- id (path, required): string<uuid>"]),
        (
            "completions.yaml",
            "broken",
            ["- #/components/parameters/Nope (not in this document)", "types.yaml#/Thing (not in this document)"],
        ),
        (
            "crm.yaml",
            "createContact",
            [
                "Authentication: oauth (contacts.write) or portal + hmac",
                "Body (application/json or application/xml): Contact {name*: string /* First and last */, "
                "owner: Contact, password: string}\n",
                "Returns 201 (application/json): Contact {name*: string /* First and last */, id*: string, "
                "created: string<date-time>, owner: Contact}",
                "Errors: 409 The contact already exists",
            ],
        ),
        ("crm.yaml", "listContacts", ["{next: string | null, results: [Contact {", "(or 204)"]),
    ],
)
def test_an_operation_is_described_completely(name: str, operation: str, expected: list[str]) -> None:
    """With a large budget, the docs contain the parameters, the body, the responses and the errors.

    References are resolved, and cycles are cut off at the type's name.
    """
    text = section(docs(name), operation)
    for part in expected:
        assert part in text + "\n"


def test_an_operations_parameter_replaces_that_of_the_path() -> None:
    """An operation's parameter replaces the path's parameter with the same name and location."""
    text = docs("petstore.json").split("### DELETE /pet/{petId}\n")[1].split("\n###")[0]
    assert "- petId (path, required): string\n- api_key (header): string\n" in text
    assert "int64" not in text


def test_no_resolved_reference_is_shown() -> None:
    """The docs show the type's name instead of a resolved `$ref`."""
    for name in NAMES:
        assert "$ref" not in docs(name)
        assert "#/components/schemas" not in docs(name)


@pytest.mark.timeout(30)
def test_thousands_of_operations_take_seconds() -> None:
    """The time depends on the budget and the number of operations but not on the expanded size of their schemas."""
    document = parse(code_hosting(4000))
    for budget in (0, 300_000, 1_000_000):
        write_tool_docs(document, budget)


def test_the_method_query_is_documented() -> None:
    """`QUERY`, which OpenAPI 3.2 added, is documented like any other method."""
    search = {"operationId": "search", "requestBody": {"content": {"application/json": {"schema": {"type": "string"}}}}}
    document = parse(json.dumps({"openapi": "3.2.0", "paths": {"/pets": {"query": search}}}))
    assert write_tool_docs(document, 0) == "QUERY /pets (search)"
    assert "application/json" in write_tool_docs(document, LARGE_BUDGET)
