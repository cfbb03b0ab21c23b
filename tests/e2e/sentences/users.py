"""Checks for the sentences about users, their allowances and usage, and administrators."""

from typing import Any

import pytest

from tests.e2e.sentences.context import Check, CheckContext, fresh, ok

FAR = 4_000_000_000_000
"""A time in the distant future, in milliseconds since the epoch."""
COMBINATIONS: list[dict[str, float]] = [
    {"monthlyAllowance": 60},
    {"allowanceResetDate": FAR},
    {"spendRemaining": 12.5},
    {"monthlyAllowance": 70, "spendRemaining": 65},
    {"monthlyAllowance": 80, "allowanceResetDate": 0, "spendRemaining": 75},
]


def usage_info(context: CheckContext) -> dict[str, Any]:
    info: dict[str, Any] = ok(context.mine.get("/users/me"))["usageInfo"]
    return info


def profile(context: CheckContext) -> None:
    me = ok(context.mine.get("/users/me"))
    assert {"_id", "_rev", "basicInfo", "billingInfo", "usageInfo"} <= set(me)
    assert set(me["basicInfo"]) == {"displayName", "email"}
    assert set(me["billingInfo"]) == {"plan", "status"}
    assert set(me["usageInfo"]) == {"monthlyAllowance", "allowanceResetDate", "spendRemaining", "usage"}


def accepts_a_number(path: str, field: str, number: float) -> Check:
    """Returns a check that the route accepts the number, and refuses invalid values."""

    def check(context: CheckContext) -> None:
        assert ok(context.mine.put(path, json={field: number}))["usageInfo"][field] == number
        for invalid in ({}, {field: "x"}, {field: -1}, {field: None}):
            ok(context.mine.put(path, json=invalid), 422)

    return check


def stores_a_number(path: str, field: str, *numbers: float) -> Check:
    """Returns a check that the route stores each number, which can then be read."""

    def check(context: CheckContext) -> None:
        for number in numbers:
            ok(context.mine.put(path, json={field: number}))
            assert usage_info(context)[field] == number

    return check


def reports_usage(context: CheckContext) -> None:
    ok(context.mine.post("/users/me/usage", json={"responseCost": 0.25}))
    ok(context.mine.post("/users/me/usage", json={"responseCost": 0.25, "metadata": {"purpose": "x"}}))
    ok(context.mine.post("/users/me/usage", json={"metadata": {}}), 422)


def usage_is_appended_and_charged(context: CheckContext) -> None:
    before = usage_info(context)
    purpose = fresh("purpose")
    ok(context.mine.post("/users/me/usage", json={"responseCost": 0.25, "metadata": {"purpose": purpose}}))
    after = usage_info(context)
    assert after["spendRemaining"] == pytest.approx(before["spendRemaining"] - 0.25)
    (entry,) = (entry for entry in after["usage"] if entry["metadata"] == {"purpose": purpose})
    assert entry["responseCost"] == 0.25


def resets(context: CheckContext) -> None:
    """A reset empties the usage list. With authentication, the allowance is a limit, so the remaining amount stays."""
    ok(context.mine.post("/users/me/usage", json={"responseCost": 5}))
    before = usage_info(context)
    ok(context.mine.post("/users/me/reset-allowance"))
    info = usage_info(context)
    assert info["usage"] == []
    assert info["spendRemaining"] == (before["spendRemaining"] if context.with_tokens else info["monthlyAllowance"])


def lists_users(context: CheckContext) -> None:
    mine = ok(context.mine.get("/users/me"))["_id"]
    user_ids: list[str] = []
    query: dict[str, str] = {}
    while True:
        response = context.admin.get("/admin/users", params=query)
        user_ids += [user["_id"] for user in ok(response)]
        if "x-next-page-token" not in response.headers:
            break
        query = {"pageToken": response.headers["x-next-page-token"]}
    assert mine in user_ids
    ok(context.mine.get("/admin/users"), context.refused_status)


def changes_a_user(*changes: dict[str, float]) -> Check:
    """Returns a check that an administrator's changes are visible to the user."""

    def check(context: CheckContext) -> None:
        mine = ok(context.mine.get("/users/me"))["_id"]
        for change in changes:
            ok(context.admin.put(f"/admin/users/{mine}", json=change))
            info = usage_info(context)
            assert {name: info[name] for name in change} == change

    return check


def only_admins_change_users(context: CheckContext) -> None:
    changes_a_user({"spendRemaining": 12.5})(context)
    mine = ok(context.mine.get("/users/me"))["_id"]
    ok(context.mine.put(f"/admin/users/{mine}", json={"spendRemaining": 1}), context.refused_status)
    assert usage_info(context)["spendRemaining"] == 12.5
