"""Tests the user routes: shapes, status codes, and invalid numbers."""

import asyncio
from typing import Any

import httpx
import pytest

import functions.users.main as users
from shared.settings import Settings
from shared.store import Database
from tests.functions.conftest import Serve


@pytest.mark.parametrize("path", ["/api/users/me", "/users/me", "/users/me/"])
async def test_the_profile_has_the_documented_shape(serve: Serve, path: str) -> None:
    """The first request creates the profile. It is returned in camelCase, with `_id` and `_rev`."""
    response = await serve(users).get(path)
    assert response.status_code == 200
    user = response.json()
    assert list(user) == ["_id", "_rev", "createdAt", "updatedAt", "basicInfo", "billingInfo", "usageInfo"]
    assert user["_id"] == "local-dev-user"
    assert set(user["basicInfo"]) == {"displayName", "email"}
    assert set(user["billingInfo"]) == {"plan", "status"}
    expected = {"monthlyAllowance": 100, "allowanceResetDate": 0, "spendRemaining": 100, "usage": []}
    assert user["usageInfo"] == expected


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("PUT", "monthly-allowance", {"monthlyAllowance": 50.5}, {"monthlyAllowance": 50.5, "spendRemaining": 50.5}),
        ("PUT", "monthly-allowance", {"monthly_allowance": 50}, {"monthlyAllowance": 50}),
        ("PUT", "allowance-reset-date", {"allowanceResetDate": 4102444800000}, {"allowanceResetDate": 4102444800000}),
        ("PUT", "allowance-reset-date", {"allowanceResetDate": 4102444800000.7}, {"allowanceResetDate": 4102444800000}),
        ("POST", "usage", {"responseCost": 0.25, "metadata": None}, {"spendRemaining": 99.75}),
        ("PUT", "spend-remaining", {"spendRemaining": 0}, {"spendRemaining": 0}),
        ("POST", "usage", {"responseCost": 0.25}, {"spendRemaining": 99.75}),
        ("POST", "reset-allowance", None, {"spendRemaining": 100}),
    ],
)
async def test_a_change_returns_the_user(
    serve: Serve, method: str, path: str, body: Any, expected: dict[str, Any]
) -> None:
    """The response to a change is the changed user, exactly as the next request returns it."""
    client = serve(users)
    response = await client.request(method, f"/users/me/{path}", json=body)
    assert response.status_code == 200
    assert expected.items() <= response.json()["usageInfo"].items()
    assert (await client.get("/users/me")).json() == response.json()


async def test_a_usage_entry_has_the_documented_shape(serve: Serve) -> None:
    """A usage entry has the documented fields, and its metadata can be any JSON."""
    metadata = {"a": [[1], {"": None}], "ü": "😀"}
    response = await serve(users).post("/users/me/usage", json={"responseCost": 0.000001, "metadata": metadata})
    (entry,) = response.json()["usageInfo"]["usage"]
    assert set(entry) == {"timestamp", "responseCost", "metadata"}
    assert (entry["responseCost"], entry["metadata"]) == (0.000001, metadata)


FIELDS = {
    "monthly-allowance": ("PUT", "monthlyAllowance"),
    "allowance-reset-date": ("PUT", "allowanceResetDate"),
    "spend-remaining": ("PUT", "spendRemaining"),
    "usage": ("POST", "responseCost"),
}
INVALID_NUMBERS = [
    "-1",
    "-0.01",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "1e300",
    "1" + "0" * 400,
    '"5"',
    "true",
    "null",
    "[]",
]


@pytest.mark.parametrize("number", INVALID_NUMBERS)
@pytest.mark.parametrize("path", FIELDS)
async def test_an_invalid_amount_is_422_and_changes_nothing(serve: Serve, path: str, number: str) -> None:
    """Negative, infinite and huge numbers are refused, as are values that are not numbers."""
    client = serve(users)
    before = (await client.get("/users/me")).json()
    method, field = FIELDS[path]
    body = f'{{"{field}": {number}}}'.encode()
    headers = {"Content-Type": "application/json"}
    response = await client.request(method, f"/users/me/{path}", content=body, headers=headers)
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], list)
    assert (await client.get("/users/me")).json() == before


async def test_an_outdated_revision_is_409(serve: Serve) -> None:
    """A change with an outdated `_rev` is refused."""
    client = serve(users)
    rev = (await client.get("/users/me")).json()["_rev"]
    body = {"monthlyAllowance": 10, "_rev": rev}
    assert (await client.put("/users/me/monthly-allowance", json=body)).status_code == 200
    assert (await client.put("/users/me/monthly-allowance", json=body)).status_code == 409


async def test_a_repeated_report_is_charged_once(serve: Serve) -> None:
    """Repeating a report with the same `Idempotency-Key` returns a replay. A different report with that key is a
    conflict."""
    client = serve(users)
    headers = {"Idempotency-Key": "once"}
    reports = [await client.post("/users/me/usage", json={"responseCost": 1}, headers=headers) for _ in range(3)]
    assert reports[-1].json()["usageInfo"]["spendRemaining"] == 99
    assert [report.headers.get("Idempotent-Replayed") for report in reports] == [None, "true", "true"]
    other = await client.post("/users/me/usage", json={"responseCost": 7}, headers=headers)
    assert other.status_code == 409
    assert (await client.get("/users/me")).json() == reports[-1].json()


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "a\x7fb"])
async def test_an_invalid_idempotency_key_is_422(serve: Serve, key: str) -> None:
    """The error for an invalid key describes a valid one, and nothing is charged."""
    client = serve(users)
    response = await client.post("/users/me/usage", json={"responseCost": 1}, headers={"Idempotency-Key": key})
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert "1 to 255 printable characters" in problem["msg"]
    assert (await client.get("/users/me")).json()["usageInfo"]["spendRemaining"] == 100


@pytest.mark.parametrize("seconds", [1, 1798338445, 1798338445.5, 99_999_999_999])
async def test_a_reset_date_in_seconds_is_422(serve: Serve, seconds: float) -> None:
    """A reset date in seconds, which would mean a day in 1970, gets an error that asks for milliseconds."""
    client = serve(users)
    before = (await client.get("/users/me")).json()
    response = await client.put("/users/me/allowance-reset-date", json={"allowanceResetDate": seconds})
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert "milliseconds" in problem["msg"]
    assert (await client.get("/users/me")).json() == before


@pytest.mark.parametrize("date", [0, 100_000_000_000, 1798338445000])
async def test_a_reset_date_in_milliseconds_is_accepted(serve: Serve, date: int) -> None:
    """Dates after March 1973 are accepted, and so is 0, which means never."""
    response = await serve(users).put("/users/me/allowance-reset-date", json={"allowanceResetDate": date})
    assert response.status_code == 200
    assert response.json()["usageInfo"]["allowanceResetDate"] == date


class ReadCounter:
    """Counts the documents that Firestore returns, by observing the responses that the client receives."""

    def __init__(self, database: Database) -> None:
        self.documents = 0
        api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
        for name in ("batch_get_documents", "run_query"):
            setattr(api, name, self._count(getattr(api, name)))

    def _count(self, call: Any) -> Any:
        async def counting_call(*args: Any, **kwargs: Any) -> Any:
            responses = await call(*args, **kwargs)

            async def count_documents() -> Any:
                async for response in responses:
                    self.documents += bool(getattr(response, "found", None) or getattr(response, "document", None))
                    yield response

            return count_documents()

        return counting_call


async def test_a_long_history_costs_no_more_reads(serve: Serve, database: Database, settings: Settings) -> None:
    """`GET /users/me` reads 101 documents, whether there are 200 usage entries or 10,000."""
    client = serve(users)
    await client.get("/users/me")
    reads = ReadCounter(database)
    counts: list[int] = []
    for count in (200, 10_000):
        await fill(database, count)
        reads.documents = 0
        response = await client.get("/users/me")
        assert len(response.json()["usageInfo"]["usage"]) == 100
        counts.append(reads.documents)
    assert counts == [101, 101]


async def fill(database: Database, count: int) -> None:
    """Adds usage entries to the local user, 500 per write."""
    from datetime import UTC, datetime, timedelta

    client = database._client  # pyright: ignore[reportPrivateUsage]
    usage = client.collection("users").document("local-dev-user").collection("usage")

    async def write(start: int) -> None:
        batch = client.batch()
        for number in range(start, min(start + 500, count)):
            timestamp = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
            entry = {"period": 1, "timestamp": timestamp, "cost": 1, "charged": 1, "metadata": "{}"}
            batch.set(usage.document(f"e{number}"), entry)
        await batch.commit()

    await asyncio.gather(*(write(start) for start in range(0, count, 500)))


async def test_an_empty_or_malformed_body_is_422(serve: Serve) -> None:
    """The routes require a JSON body."""
    client: httpx.AsyncClient = serve(users)
    assert (await client.put("/users/me/spend-remaining")).status_code == 422
    assert (await client.put("/users/me/spend-remaining", content=b"{")).status_code == 422
