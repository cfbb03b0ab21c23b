"""Tests the logs that clients send: each becomes one line, enriched, limited in size, and without secrets."""

import json
from typing import Any

import pytest

import functions.logs.main as logs
from tests.functions.conftest import Serve

BODY: dict[str, Any] = {"eventType": "click", "message": "hello", "level": "INFO", "metadata": {"page": "/"}}


def client_lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Returns the client log lines that were written so far. A line that is not JSON fails the test."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["logger"] == "agents.client"]


@pytest.mark.parametrize("path", ["/api/log/client", "/log/client"])
async def test_a_line_is_enriched_and_written(serve: Serve, capsys: pytest.CaptureFixture[str], path: str) -> None:
    """A log is accepted with 202, and its line also has the client's address and browser."""
    response = await serve(logs).post(path, json=BODY, headers={"User-Agent": "A Browser"})
    assert (response.status_code, response.json()) == (202, {"status": "logged"})
    (line,) = client_lines(capsys)
    assert (line["severity"], line["message"], line["eventType"]) == ("INFO", "hello", "click")
    assert line["metadata"] == {"page": "/", "client_host": "127.0.0.1", "user_agent": "A Browser"}


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("DEBUG", "DEBUG"),
        ("TRACE", "DEBUG"),
        ("WARN", "WARNING"),
        ("warning", "WARNING"),
        ("ERROR", "ERROR"),
        ("fatal", "CRITICAL"),
        ("odd", "INFO"),
    ],
)
async def test_the_clients_level_becomes_a_severity(
    serve: Serve, capsys: pytest.CaptureFixture[str], level: str, severity: str
) -> None:
    """Levels are case-insensitive, and an unknown level becomes INFO."""
    await serve(logs).post("/log/client", json={**BODY, "level": level})
    assert client_lines(capsys)[0]["severity"] == severity


async def test_metadata_is_optional(serve: Serve) -> None:
    """The metadata can be null or missing."""
    client = serve(logs)
    for body in ({**BODY, "metadata": None}, {"eventType": "x", "message": ""}):
        assert (await client.post("/log/client", json=body)).status_code == 202


async def test_a_line_cannot_be_forged(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """Newlines and control characters do not start a new line, and metadata cannot replace the service's own fields."""
    forged = 'x\n{"severity": "CRITICAL", "logger": "agents.client", "message": "forged"}\r\n\x1b[2K\u2028'
    body = {"eventType": forged, "message": forged, "metadata": {"severity": "CRITICAL", forged: forged}}
    await serve(logs).post("/log/client", json=body)
    (line,) = client_lines(capsys)
    assert (line["severity"], line["message"]) == ("INFO", forged)


SECRETS = [
    ("sk-proj-abcdefghij1klmnopqrstuvwx",) * 2,
    ("AIzaSyA-1234567890abcdefghijklmnopqrstuv",) * 2,
    ("AKIAIOSFODNN7EXAMPLE",) * 2,
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789",) * 2,
    ("hf_abcdefghijklmnop",) * 2,
    ("glpat-abcdefghijklmnop",) * 2,
    ("whsec_abcdefghijklmnop",) * 2,
    ("whsec_AbCd+EfGh/IjKlMnOp12345678901234567890abcd=",) * 2,
    ("ABSKabcdefghijklmnop1234",) * 2,
    ("0123456789abcdef0123456789abcdef",) * 2,
    ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",) * 2,
    ("Bearer abcdef1ghijklmnop", "abcdef1ghijklmnop"),
    ("password=hunter2hunter2", "hunter2"),
    ('{"password":"hunter2"}', "hunter2"),
    ("client_secret=s3cr3t", "s3cr3t"),
    ("DB_PASSWORD=s3cr3t", "s3cr3t"),
    ("aws_secret_access_key=wJalr/K7MDENG/bPx", "wJalr"),
    ("secretKey: s3cr3t", "s3cr3t"),
    ("pwd=s3cr3t", "s3cr3t"),
    ("AccountKey=s3cr3t==", "s3cr3t"),
    ("api_key: 'not-a-known-shape'", "not-a-known-shape"),
    ("Authorization: Token s3cr3t", "s3cr3t"),
    ("Cookie: session=s3cr3t", "s3cr3t"),
    ("https://user:pa55word@example.com", "pa55word"),
    ("redis://:s3cr3t@host", "s3cr3t"),
    ("postgres://u:p@ss/w@host", "ss/w"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
]


@pytest.mark.parametrize(("secret", "needle"), SECRETS)
async def test_secrets_are_masked(serve: Serve, capsys: pytest.CaptureFixture[str], secret: str, needle: str) -> None:
    """Secrets with a recognizable format are masked in messages, values and names."""
    body = {"eventType": "e", "message": f"it said {secret} then", "metadata": {"deep": [{"x": secret}], secret: 1}}
    await serve(logs).post("/log/client", json=body)
    (line,) = client_lines(capsys)
    assert needle not in json.dumps(line, ensure_ascii=False)
    assert "it said" in line["message"]


@pytest.mark.parametrize(
    "harmless",
    [
        "skeleton-loader failed",
        "Basic validation failed",
        "keyboardShortcut pressed",
        "the token count is 5",
        "see https://example.com/a/b?c=d and mail me@example.com",
        "clicked key-a, then pk-b",
        "author: Jane, 5 tests passed: all; compass=north, tokenizer: bpe",
    ],
)
async def test_harmless_text_is_not_masked(serve: Serve, capsys: pytest.CaptureFixture[str], harmless: str) -> None:
    """Ordinary text is written unchanged. A log that masks it would be useless."""
    await serve(logs).post("/log/client", json={**BODY, "message": harmless})
    assert client_lines(capsys)[0]["message"] == harmless


async def test_values_with_sensitive_names_are_masked(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """A value whose name is sensitive is masked, whatever it is."""
    body = {
        **BODY,
        "metadata": {
            "password": "abc",
            "apiKey": {"a": 1},
            "Authorization": "x",
            "prompt_tokens": 5,
            "author": "Jane",
            "passenger": "x",
        },
    }
    await serve(logs).post("/log/client", json=body)
    metadata = client_lines(capsys)[0]["metadata"]
    hidden = {name for name, value in metadata.items() if value == "[hidden]"}
    assert hidden == {"password", "apiKey", "Authorization"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**BODY, "message": "x" * 8_001}, 422),
        ({**BODY, "eventType": ""}, 422),
        ({"message": "x"}, 422),
        ({**BODY, "metadata": {"x": "y" * 40_000}}, 413),
    ],
)
async def test_the_size_of_a_line_is_limited(serve: Serve, body: dict[str, Any], status: int) -> None:
    """A log is refused if its message or metadata is too long, or if a field is missing."""
    assert (await serve(logs).post("/log/client", json=body)).status_code == status


async def test_anonymous_callers_are_limited_by_address(serve: Serve) -> None:
    """Too many logs from one address get an error that says when to retry. Addresses that the caller adds to
    `X-Forwarded-For` are ignored."""
    client = serve(logs, app_env="firebase", public_rate_per_minute=3, trusted_proxies=1)
    statuses = [
        (await client.post("/log/client", json=BODY, headers={"X-Forwarded-For": f"6.6.6.{n}, 1.2.3.4"})).status_code
        for n in range(4)
    ]
    assert statuses == [202, 202, 202, 429]
    other = await client.post("/log/client", json=BODY, headers={"X-Forwarded-For": "1.2.3.5"})
    assert other.status_code == 202
    refused = await client.post("/log/client", json=BODY, headers={"X-Forwarded-For": "1.2.3.4"})
    assert int(refused.headers["retry-after"]) > 0
