"""The roles that `deploy/bootstrap` grants to each account."""

import pytest

from tests.deploy.bootstrapped import FUNCTIONS, PROJECT, ROOT, Cloud, Ran, roles_of

pytestmark = pytest.mark.long
TAKES_TOKENS = ("CurrentCaller", "ActiveCaller", "CallerIfAny", "CurrentAdmin")


def test_the_account_of_a_function_may_do_what_the_function_does(ready: tuple[Cloud, Ran]) -> None:
    """The functions that run agent code reach data and providers' keys; the worker enqueues tasks in its own queue."""
    project = ready[0].project
    for name in FUNCTIONS:
        roles = {role for role in roles_of(project, f"fn-{name}") if "secretAccessor" not in role}
        expected = {f"datastore.user on projects {PROJECT}"}
        if name == "meta":
            expected = set()
        if name == "providers":
            expected = {f"datastore.viewer on projects {PROJECT}"}
        if any(who in (ROOT / "functions" / name / "main.py").read_text() for who in TAKES_TOKENS):
            expected |= {f"firebaseauth.viewer on projects {PROJECT}"}
        if name == "sweep":
            expected |= {f"cloudtasks.viewer on projects {PROJECT}"}
        if name in ("chat", "sweep", "worker"):
            expected |= {"iam.serviceAccountUser on iam service-accounts task-invoker"}
        assert roles == expected, name


def test_the_queue_and_the_scheduler_may_do_nothing_on_the_project(ready: tuple[Cloud, Ran]) -> None:
    """`firebase deploy` lets each call its one function, as `functions.yaml` says."""
    for account in ("task-invoker", "scheduler-invoker"):
        assert roles_of(ready[0].project, account) == set()


def test_functions_read_the_secrets_that_their_code_reads(ready: tuple[Cloud, Ran]) -> None:
    """Functions that call models read the keys, those that list models read the keys' names, `admin` the password."""
    project = ready[0].project
    keys = set(project["secrets"]) - {"ADMIN_PASSWORD", "PROVIDER_KEYS"}
    for name in FUNCTIONS:
        code = (ROOT / "functions" / name / "main.py").read_text()
        expected = {"PROVIDER_KEYS"} if "Catalog.load" in code else set[str]()
        if " import complete\n" in code:
            expected = keys
        if name == "admin":
            expected = {"ADMIN_PASSWORD"}
        readable = {role.rpartition(" ")[2] for role in roles_of(project, f"fn-{name}") if "secretAccessor" in role}
        assert readable == expected, name


def editors(cloud: Cloud) -> list[str]:
    """The members with the role Editor."""
    lines = cloud.project["policies"][f"projects {PROJECT}"]
    return [line.removeprefix("roles/editor serviceAccount:") for line in lines if line.startswith("roles/editor ")]


def test_no_account_of_googles_stays_an_editor(ready: tuple[Cloud, Ran], again: Cloud) -> None:
    """`deployer` may act as them. The role for building images is granted first; people keep the role Editor."""
    assert editors(ready[0]) == []
    assert "- removes the role Editor from" in ready[1].output
    calls = [" ".join(call) for call in ready[0].calls]
    (taken,) = [number for number, call in enumerate(calls) if "remove-iam-policy-binding" in call]
    (built,) = [number for number, call in enumerate(calls) if "123-compute@" in call and "builds.builder" in call]
    assert built < taken
    old = f"{PROJECT}@appspot.gserviceaccount.com"
    again.project["accounts"][old] = "App Engine"
    policy = again.project["policies"][f"projects {PROJECT}"]
    policy += [f"roles/editor serviceAccount:{old}", "roles/editor user:me@example.com"]
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert editors(again) == ["roles/editor user:me@example.com"]


def test_a_conditional_grant_does_not_count(again: Cloud) -> None:
    """The condition may be false."""
    policy = again.project["policies"][f"projects {PROJECT}"]
    granted = f"roles/datastore.user serviceAccount:fn-users@{PROJECT}.iam.gserviceaccount.com"
    policy[policy.index(granted)] += " conditional"
    ran = again.run("--yes")
    assert ran.code == 0, ran.output
    assert granted in policy


def test_a_forbidden_grant_is_not_retried(cloud: Cloud) -> None:
    """Other failures are, because a new account is not visible everywhere at once. gcloud's message is shown."""
    cloud.change(faults=["role=roles/run.admin"], why="PERMISSION_DENIED: you may not do that")
    ran = cloud.run("--yes")
    assert ran.code == 1
    assert "PERMISSION_DENIED: you may not do that" in ran.output
    assert len([call for call in cloud.calls if "--role=roles/run.admin" in call]) == 2
