"""The policy of a published agent decides who may call it by its name."""

from datetime import UTC, datetime

import pytest

from shared.models.api_key import ApiKey, Scope
from shared.models.caller import Caller
from shared.models.deployment import Access, Deployment
from shared.models.errors import Forbidden, NotFound, ServiceError, Unauthenticated
from shared.models.owned import Visibility
from shared.services.agents.deployment_access import may_call, require_callable
from shared.services.agents.published_lookup import find_payer

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def make_caller(uid: str, *scopes: Scope) -> Caller:
    """Returns a caller with an API key that has these scopes."""
    key = ApiKey(id="k", owner=uid, name="n", digest="d", scopes=list(scopes), created_at=NOW)
    return Caller(uid=uid, key=key)


def make_deployment(access: Access, visibility: Visibility = "private", **policy: object) -> Deployment:
    return Deployment.model_validate(
        {
            "friendly_name": "greeter",
            "agent_id": "a",
            "owner": "owner",
            "visibility": visibility,
            "description": "",
            "input_schema": None,
            "output_schema": None,
            "deployed_at": NOW,
            "access": access,
            **policy,
        }
    )


CALLERS: dict[str, Caller | None] = {
    "nobody": None,
    "owner": Caller(uid="owner"),
    "owner's key": make_caller("owner", Scope.RUN),
    "owner's key without the scope": make_caller("owner", Scope.CHAT),
    "other": Caller(uid="other"),
    "other's key": make_caller("other", Scope.RUN, Scope.CHAT),
    "other's key without the scope": make_caller("other", Scope.CHAT, Scope.AGENTS, Scope.ACCOUNT),
    "administrator": Caller(uid="boss", claims={"admin": True}),
}
Refusals = dict[str, type[ServiceError]]
WITHOUT_SCOPE: Refusals = {"owner's key without the scope": Forbidden, "other's key without the scope": Forbidden}
SIGNED_IN: Refusals = {"nobody": Unauthenticated, **WITHOUT_SCOPE}
REFUSED: dict[tuple[Access, Visibility], Refusals] = {
    ("public", "private"): WITHOUT_SCOPE,
    ("public", "shared"): WITHOUT_SCOPE,
    ("signed-in", "private"): SIGNED_IN,
    ("signed-in", "shared"): SIGNED_IN,
    ("key", "shared"): {**SIGNED_IN, "other": Forbidden, "administrator": Forbidden},
    ("key", "private"): {
        **SIGNED_IN,
        "other": NotFound,
        "other's key": NotFound,
        "other's key without the scope": NotFound,
        "administrator": Forbidden,
    },
}


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize(("access", "visibility"), REFUSED)
def test_the_policy_decides_who_may_call_an_agent(access: Access, visibility: Visibility, who: str) -> None:
    """Everyone may call a public agent. Otherwise, a caller needs a valid token and, for some agents, an API key of a
    user who can see the agent. Only the owner never needs a key. A key that is used needs the scope `run`."""
    deployment, caller = make_deployment(access, visibility), CALLERS[who]
    expected = REFUSED[access, visibility].get(who)
    assert may_call(caller, deployment) == (expected is None)
    if expected is None:
        require_callable(caller, deployment)
    else:
        with pytest.raises(expected):
            require_callable(caller, deployment)


def test_a_hidden_agent_looks_like_an_unknown_one() -> None:
    """A user who cannot see an agent that requires a key gets the message for a name that is not published."""
    with pytest.raises(NotFound) as raised:
        require_callable(CALLERS["other's key"], make_deployment("key"))
    assert raised.value.message == "No agent that you can see is published as 'greeter'."


def test_deployments_of_the_past_are_public() -> None:
    """A deployment that was stored without a policy can be called by everyone, and its owner pays."""
    stored = make_deployment("public").model_dump(exclude={"access", "payer", "rate_per_minute"})
    deployment = Deployment.model_validate(stored)
    assert (deployment.access, deployment.payer, deployment.rate_per_minute) == ("public", "owner", None)


@pytest.mark.parametrize("who", ["owner", "owner's key", "other", "other's key"])
def test_the_payer_pays_with_the_key_of_the_request(who: str) -> None:
    """If callers pay, or the owner calls, the caller's key counts. Another user's key does not count if the owner
    pays."""
    caller = CALLERS[who]
    assert find_payer(make_deployment("signed-in", payer="caller"), caller) is caller
    payer = find_payer(make_deployment("signed-in", payer="owner"), caller)
    assert payer == (caller if who.startswith("owner") else Caller(uid="owner"))


def test_the_owner_pays_for_callers_who_are_not_verified() -> None:
    """The owner of a public agent pays without a key."""
    assert find_payer(make_deployment("public"), None) == Caller(uid="owner")
