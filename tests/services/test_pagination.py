"""Page tokens that no response contained, and that anyone can invent, are rejected or harmless."""

import base64
import json
from datetime import UTC, datetime

import pytest

from shared.models.caller import Caller
from shared.models.errors import BadRequest
from shared.services.accounts.administration import AdminService
from shared.services.agents.agents import AgentService
from shared.services.agents.deployments import DeploymentService
from shared.services.pagination import read_moment_token, read_name_token, write_moment_token, write_name_token
from shared.settings import Settings
from shared.store import Database

NOW = "2026-01-01T00:00:00+00:00"
BAD_NAMES = ["", "a/b", "/", ".", "..", "__x__", "x" * 1501, "é" * 751]
BAD_TIMES = [
    "",
    "now",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-13-01T00:00:00+00:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-01-01T00:00:00+99:00",
    "１２３４-01-01T00:00:00+00:00",
    "9" * 5000,
]


def encode(text: str | bytes) -> str:
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).decode()


def make_token(*parts: object) -> str:
    return encode(json.dumps(parts))


MALFORMED = [
    *("", "x", "====", "ü", "%00", "\x00", "A" * 4999),
    *(encode(text) for text in ("", "null", "{}", '"a"', "1", "[]", "[1]", "[null]", '[["a"]]', '["a","b","c"]')),
    *(encode(text) for text in ('["a"', '["a"]x', "[NaN]", "[" * 3000, '["a"' * 900, b'["\xff"]', b'["\xed\xa0\x80"]')),
    encode('["\\ud800"]'),
    encode(f'["{NOW}","\\udfff"]'),
    encode(f'["{NOW}",1]'),
]
NAME_TOKENS = [*MALFORMED, *(make_token(name) for name in BAD_NAMES), make_token(NOW, "a")]
MOMENT_TOKENS = [
    *MALFORMED,
    *(make_token(NOW, name) for name in BAD_NAMES),
    *(make_token(time, "a") for time in BAD_TIMES),
    make_token("a"),
]


@pytest.mark.parametrize("name", ["a", "天気", "😀", "\x01", "a.b", "__x", "x" * 1500])
def test_a_token_is_read_as_it_was_written(name: str) -> None:
    """A token preserves any id, and a time to the microsecond. It is ASCII, so a header can contain it."""
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert write_name_token(name).isascii()
    assert read_name_token(write_name_token(name)) == name
    assert read_moment_token(write_moment_token(moment, name)) == (moment, name)


def test_a_time_is_read_in_utc() -> None:
    """A time in any time zone is converted to UTC."""
    moment, _ = read_moment_token(make_token("2026-01-01T02:00:00+02:00", "a"))
    assert moment.isoformat() == NOW


@pytest.mark.parametrize("token", NAME_TOKENS, ids=repr)
async def test_an_invented_name_token_is_rejected(database: Database, token: str) -> None:
    """The lists of deployments and of users return the same 400 for any invalid token."""
    for request in (
        DeploymentService(database, Settings()).list(Caller(uid="u"), 5, token),
        AdminService(database, Settings()).list_users(5, token),
    ):
        with pytest.raises(BadRequest, match="This is not a valid page token"):
            await request


@pytest.mark.parametrize("token", MOMENT_TOKENS, ids=repr)
async def test_an_invented_moment_token_is_rejected(database: Database, token: str) -> None:
    """The list of agents returns the same 400 for any invalid token."""
    with pytest.raises(BadRequest, match="This is not a valid page token"):
        await AgentService(database).list(Caller(uid="u"), 5, token)


async def test_a_token_for_a_deleted_document_still_works(database: Database) -> None:
    """The page begins where the document would be, even if it never existed."""
    caller = Caller(uid="u")
    assert (await AgentService(database).list(caller, 5, make_token(NOW, "gone\x01"))).items == []
    assert (await DeploymentService(database, Settings()).list(caller, 5, make_token("gone"))).items == []
    assert (await AdminService(database, Settings()).list_users(5, make_token("gone"))).items == []
