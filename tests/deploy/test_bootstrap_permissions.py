"""The roles that `deploy/bootstrap` grants to each account."""

import pytest

from tests.deploy.bootstrapped import FUNCTIONS, PROJECT, ROOT, Cloud, Result, account_of, roles_of

pytestmark = pytest.mark.long
TOKEN_PARAMETERS = ("CurrentCaller", "ActiveCaller", "CallerIfAny", "CurrentAdmin")


def test_each_function_has_only_the_roles_that_it_needs(first_run: tuple[Cloud, Result]) -> None:
    """Each function has only the roles that its code requires, for example to read tokens or to enqueue tasks."""
    project = first_run[0].project
    for name in FUNCTIONS:
        roles = {role for role in roles_of(project, account_of(name)) if "secretAccessor" not in role}
        expected = {f"datastore.user on projects {PROJECT}"}
        if name == "meta":
            expected = set()
        if name == "providers":
            expected = {f"datastore.viewer on projects {PROJECT}"}
        if any(caller in (ROOT / "functions" / name / "main.py").read_text() for caller in TOKEN_PARAMETERS):
            expected |= {f"firebaseauth.viewer on projects {PROJECT}"}
        if name == "sweep":
            expected |= {f"cloudtasks.viewer on projects {PROJECT}"}
        if name in ("chat", "deployments", "mcp", "runs", "sweep", "worker"):
            expected |= {"iam.serviceAccountUser on iam service-accounts task-invoker"}
        assert roles == expected, name


def test_the_invoker_accounts_have_no_project_roles(first_run: tuple[Cloud, Result]) -> None:
    """The invoker accounts have no project roles: `firebase deploy` allows each of them to call its function."""
    for account in ("task-invoker", "scheduler-invoker"):
        assert roles_of(first_run[0].project, account) == set()


def test_functions_read_the_secrets_that_their_code_reads(first_run: tuple[Cloud, Result]) -> None:
    """Functions that call models can read the keys, those that list models the keys' names, `admin` the password."""
    project = first_run[0].project
    keys = set(project["secrets"]) - {"ADMIN_PASSWORD", "PROVIDER_KEYS"}
    for name in FUNCTIONS:
        code = (ROOT / "functions" / name / "main.py").read_text()
        expected = {"PROVIDER_KEYS"} if "Catalog.load" in code else set[str]()
        if " import complete\n" in code:
            expected = keys
        if name == "admin":
            expected = {"ADMIN_PASSWORD"}
        readable = {role.rpartition(" ")[2] for role in roles_of(project, account_of(name)) if "secretAccessor" in role}
        assert readable == expected, name


def editors(cloud: Cloud) -> list[str]:
    """Returns the members with the role Editor."""
    lines = cloud.project["policies"][f"projects {PROJECT}"]
    return [line.removeprefix("roles/editor serviceAccount:") for line in lines if line.startswith("roles/editor ")]


def test_googles_default_accounts_lose_the_role_editor(first_run: tuple[Cloud, Result], existing: Cloud) -> None:
    """Google's default accounts lose the role Editor, because `deployer` may act as them. Users keep it.

    The role for building images is granted first.
    """
    assert editors(first_run[0]) == []
    assert "- removes the role Editor from" in first_run[1].output
    calls = [" ".join(call) for call in first_run[0].calls]
    (removal,) = [number for number, call in enumerate(calls) if "remove-iam-policy-binding" in call]
    (grant,) = [number for number, call in enumerate(calls) if "123-compute@" in call and "builds.builder" in call]
    assert grant < removal
    old = f"{PROJECT}@appspot.gserviceaccount.com"
    existing.project["accounts"][old] = "App Engine"
    policy = existing.project["policies"][f"projects {PROJECT}"]
    policy += [f"roles/editor serviceAccount:{old}", "roles/editor user:me@example.com"]
    result = existing.run("--yes")
    assert result.code == 0, result.output
    assert editors(existing) == ["roles/editor user:me@example.com"]


def test_a_conditional_grant_does_not_count(existing: Cloud) -> None:
    """A role that is granted under a condition is granted again without one, because the condition may be false."""
    policy = existing.project["policies"][f"projects {PROJECT}"]
    granted = f"roles/datastore.user serviceAccount:fn-users@{PROJECT}.iam.gserviceaccount.com"
    policy[policy.index(granted)] += " conditional"
    result = existing.run("--yes")
    assert result.code == 0, result.output
    assert granted in policy


def test_a_forbidden_grant_is_not_retried(cloud: Cloud) -> None:
    """A forbidden grant fails immediately with gcloud's message. Only other failures are retried."""
    cloud.change(faults=["role=roles/run.admin"], why="PERMISSION_DENIED: you may not do that")
    result = cloud.run("--yes")
    assert result.code == 1
    assert "PERMISSION_DENIED: you may not do that" in result.output
    assert len([call for call in cloud.calls if "--role=roles/run.admin" in call]) == 2
