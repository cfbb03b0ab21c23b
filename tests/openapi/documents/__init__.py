"""API descriptions for the tests, based on well-known APIs. Functions generate the large descriptions."""

import json
from pathlib import Path

NAMES = ("payments.yaml", "weather.yaml", "petstore.json", "completions.yaml", "crm.yaml")


def read_text(name: str) -> str:
    """Returns the text of one of `NAMES`."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def code_hosting(operations: int) -> str:
    """Returns a JSON document like that of a source code host, with long prose and references between resources."""
    resources = operations // 4
    schemas = {
        f"resource-{number}": {
            "type": "object",
            "required": ["id", "url"],
            "properties": {
                "id": {"type": "integer", "description": "Unique identifier " * 5},
                "url": {"type": "string", "format": "uri"},
                **{f"field_{field}": {"type": "string", "nullable": True} for field in range(15)},
                "owner": {"$ref": f"#/components/schemas/resource-{(number * 7 + 1) % resources}"},
                "parents": {
                    "type": "array",
                    "items": {"$ref": f"#/components/schemas/resource-{(number * 3 + 2) % resources}"},
                },
            },
        }
        for number in range(resources)
    }
    paths: dict[str, object] = {}
    for number in range(resources):
        schema = {"$ref": f"#/components/schemas/resource-{number}"}
        content = {"application/json": {"schema": schema}}
        paths[f"/repos/{{owner}}/{{repo}}/resource-{number}"] = {
            "get": _operation(f"resource-{number}/list", {"application/json": {"schema": {"items": schema}}}),
            "post": {**_operation(f"resource-{number}/create", content), "requestBody": {"content": content}},
        }
        paths[f"/repos/{{owner}}/{{repo}}/resource-{number}/{{id}}"] = {
            "get": _operation(f"resource-{number}/get", content),
            "delete": _operation(f"resource-{number}/delete", {}),
        }
    parameters = {
        name: {"name": name, "in": "path", "required": True, "description": "The name.", "schema": {"type": "string"}}
        for name in ("owner", "repo")
    }
    return json.dumps(
        {
            "openapi": "3.0.3",
            "info": {"title": "Code hosting", "version": "1.1.4"},
            "servers": [{"url": "https://api.code.test"}],
            "paths": paths,
            "components": {"schemas": schemas, "parameters": parameters},
        }
    )


def _operation(id_: str, content: object) -> dict[str, object]:
    return {
        "operationId": id_,
        "summary": f"What {id_} does",
        "description": "Anyone with read access can use this endpoint. " * 20,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in ("owner", "repo")],
        "responses": {"200": {"description": "Response", "content": content}, "404": {"description": "Not found"}},
    }


def back_office(operations: int) -> str:
    """Returns a JSON document like that of an internal API, with dozens of fields per body, the required ones last."""
    address = {
        "type": "object",
        "required": ["city"],
        "properties": {**{f"line_{number}": {"type": "string"} for number in range(6)}, "city": {"type": "string"}},
    }
    paths = {
        f"/companies/{{company}}/things-{number}": {
            "post": {
                "operationId": f"createThing{number}",
                "summary": f"Creates a thing of kind {number}",
                "description": "It must be approved before it appears. " * 10,
                "parameters": [
                    {"name": "dry_run", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "company", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "X-Tenant", "in": "header", "required": True, "schema": {"type": "string"}},
                    {"name": "verbose", "in": "query", "schema": {"type": "boolean"}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/Thing{number}"}}},
                },
                "responses": {"201": {"description": "Created"}},
            }
        }
        for number in range(operations)
    }
    schemas = {
        f"Thing{number}": {
            "type": "object",
            "required": ["amount", "ship_to"],
            "properties": {
                **{
                    f"option_{field}": {"type": "string", "description": "Choose a value. " * 5, "example": "x" * 200}
                    for field in range(30)
                },
                "ship_to": {"$ref": "#/components/schemas/Address"},
                "amount": {"type": "integer"},
            },
        }
        for number in range(operations)
    }
    return json.dumps(
        {
            "openapi": "3.0.3",
            "info": {"title": "Back office", "version": "9"},
            "servers": [{"url": "https://office.test/v9"}],
            "paths": paths,
            "components": {"schemas": {**schemas, "Address": address}},
        }
    )
