"""Tests that every sentence of the API's specification is true over real HTTP, with and without authentication."""

from collections.abc import Iterator

import pytest

from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import ModelServer
from tests.e2e.conftest import ADMIN_PASSWORD, Connect
from tests.e2e.sentences.context import Check, CheckContext, ok
from tests.e2e.sentences.table import SENTENCES, NoCheck
from tests.e2e.test_authentication import sign_up, with_claims

PROMISES = [(sentence, check) for sentence, check in SENTENCES if not isinstance(check, NoCheck)]


@pytest.fixture(params=["local", pytest.param("firebase", marks=pytest.mark.long)])
def context(
    request: pytest.FixtureRequest,
    connect: Connect,
    model_server: ModelServer,
    api_server: ApiServer,
    mcp_server: McpServer,
) -> Iterator[CheckContext]:
    """Returns the context of a check. With tokens, it has new users. Without tokens, the account of the only user is
    restored after the test."""
    suite = request.getfixturevalue(f"{request.param}_suite")
    anonymous = connect(suite.url)
    if request.param == "firebase":
        mine, other = connect(suite.url, sign_up(suite)), connect(suite.url, sign_up(suite))
        admin = connect(suite.url, with_claims(sign_up(suite), admin=True))
    else:
        mine = other = connect(suite.url)
        admin = connect(suite.url)
        admin.client.headers["X-Admin-Password"] = ADMIN_PASSWORD
    yield CheckContext(suite, mine, other.client, anonymous.client, admin.client, model_server, api_server, mcp_server)
    if request.param == "local":
        ok(mine.client.put("/users/me/monthly-allowance", json={"monthlyAllowance": 100}))
        ok(mine.client.put("/users/me/allowance-reset-date", json={"allowanceResetDate": 0}))
        ok(mine.client.post("/users/me/reset-allowance"))


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("sentence", "check"),
    [pytest.param(*promise, id=f"{number}: {promise[0][:50]}") for number, promise in enumerate(PROMISES)],
)
def test_a_sentence_holds(context: CheckContext, sentence: str, check: Check) -> None:
    """A sentence is true if its check succeeds."""
    check(context)


def test_every_sentence_has_a_check_or_a_reason() -> None:
    """Every sentence has its own check, or a reason why it needs none."""
    assert all(check.reason for _, check in SENTENCES if isinstance(check, NoCheck))
    checks = [check for _, check in PROMISES]
    assert len(set(checks)) == len(checks), "two sentences have the same check, which may not prove both"
