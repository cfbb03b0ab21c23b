"""Checks of the sentences about users, their allowances and usage, and administrators."""

from typing import Any

import pytest

from tests.e2e.sentences.world import Check, World, fresh, ok

FAR = 4_000_000_000_000
"""Epoch milliseconds."""
COMBINATIONS: list[dict[str, float]] = [
    {"monthlyAllowance": 60},
    {"allowanceResetDate": FAR},
    {"spendRemaining": 12.5},
    {"monthlyAllowance": 70, "spendRemaining": 65},
    {"monthlyAllowance": 80, "allowanceResetDate": 0, "spendRemaining": 75},
]


def usage_info(world: World) -> dict[str, Any]:
    info: dict[str, Any] = ok(world.mine.get("/users/me"))["usageInfo"]
    return info


def profile(world: World) -> None:
    me = ok(world.mine.get("/users/me"))
    assert {"_id", "_rev", "basicInfo", "billingInfo", "usageInfo"} <= set(me)
    assert set(me["basicInfo"]) == {"displayName", "email"}
    assert set(me["billingInfo"]) == {"plan", "status"}
    assert set(me["usageInfo"]) == {"monthlyAllowance", "allowanceResetDate", "spendRemaining", "usage"}


def takes_a_number(path: str, field: str, number: float) -> Check:
    """It accepts a number, and nothing else."""

    def check(world: World) -> None:
        assert ok(world.mine.put(path, json={field: number}))["usageInfo"][field] == number
        for wrong in ({}, {field: "x"}, {field: -1}, {field: None}):
            ok(world.mine.put(path, json=wrong), 422)

    return check


def is_there_afterwards(path: str, field: str, *numbers: float) -> Check:
    """One after another, reading each again."""

    def check(world: World) -> None:
        for number in numbers:
            ok(world.mine.put(path, json={field: number}))
            assert usage_info(world)[field] == number

    return check


def reports_usage(world: World) -> None:
    ok(world.mine.post("/users/me/usage", json={"responseCost": 0.25}))
    ok(world.mine.post("/users/me/usage", json={"responseCost": 0.25, "metadata": {"purpose": "x"}}))
    ok(world.mine.post("/users/me/usage", json={"metadata": {}}), 422)


def usage_is_appended_and_paid(world: World) -> None:
    before = usage_info(world)
    mark = fresh("purpose")
    ok(world.mine.post("/users/me/usage", json={"responseCost": 0.25, "metadata": {"purpose": mark}}))
    after = usage_info(world)
    assert after["spendRemaining"] == pytest.approx(before["spendRemaining"] - 0.25)
    (entry,) = (entry for entry in after["usage"] if entry["metadata"] == {"purpose": mark})
    assert entry["responseCost"] == 0.25


def resets(world: World) -> None:
    """The tracking, as the sentence says; in a deployment, spent money stays spent."""
    ok(world.mine.post("/users/me/usage", json={"responseCost": 5}))
    before = usage_info(world)
    ok(world.mine.post("/users/me/reset-allowance"))
    info = usage_info(world)
    assert info["usage"] == []
    assert info["spendRemaining"] == (before["spendRemaining"] if world.with_tokens else info["monthlyAllowance"])


def lists_users(world: World) -> None:
    mine = ok(world.mine.get("/users/me"))["_id"]
    found: list[str] = []
    page: dict[str, str] = {}
    while True:
        answer = world.admin.get("/admin/users", params=page)
        found += [user["_id"] for user in ok(answer)]
        if "x-next-page-token" not in answer.headers:
            break
        page = {"pageToken": answer.headers["x-next-page-token"]}
    assert mine in found
    ok(world.mine.get("/admin/users"), world.no_admin)


def changes_a_user(*changes: dict[str, float]) -> Check:
    """Set by an administrator, and read by the user."""

    def check(world: World) -> None:
        mine = ok(world.mine.get("/users/me"))["_id"]
        for change in changes:
            ok(world.admin.put(f"/admin/users/{mine}", json=change))
            info = usage_info(world)
            assert {name: info[name] for name in change} == change

    return check


def only_admins_change_users(world: World) -> None:
    changes_a_user({"spendRemaining": 12.5})(world)
    mine = ok(world.mine.get("/users/me"))["_id"]
    ok(world.mine.put(f"/admin/users/{mine}", json={"spendRemaining": 1}), world.no_admin)
    assert usage_info(world)["spendRemaining"] == 12.5
