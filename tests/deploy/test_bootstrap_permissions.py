"""What `deploy/bootstrap` lets each account do."""

import pytest

from tests.deploy.bootstrapped import FUNCTIONS, PROJECT, ROOT, Cloud, Ran, roles_of

pytestmark = pytest.mark.long


def test_the_account_of_a_function_may_do_what_the_function_does(ready: tuple[Cloud, Ran]) -> None:
    """And those that run agent code reach data and models' keys, nothing else."""
    project = ready[0].project
    for name in FUNCTIONS:
        roles = {role for role in roles_of(project, f"fn-{name}") if "secretAccessor" not in role}
        expected = {f"datastore.user on projects {PROJECT}"}
        if name == "meta":
            expected = set()
        if name == "providers":
            expected = {f"datastore.viewer on projects {PROJECT}"}
        if name in ("chat", "sweep"):
            expected |= {"iam.serviceAccountUser on iam service-accounts task-invoker"}
        assert roles == expected, name


def test_the_queue_and_the_scheduler_may_do_nothing_on_the_project(ready: tuple[Cloud, Ran]) -> None:
    """`firebase deploy` lets each open its one function, as `functions.yaml` says."""
    for account in ("task-invoker", "scheduler-invoker"):
        assert roles_of(ready[0].project, account) == set()


def test_functions_read_the_secrets_that_their_code_reads(ready: tuple[Cloud, Ran]) -> None:
    """Keys where models are called, their names where it is only told which can be; the password in `admin`."""
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
