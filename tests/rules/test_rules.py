"""Tests the security rules on the Firestore emulator with the client that browsers use.

`rules.test.mjs` contains the tests of the rules, for Node's test runner. This module stores documents in every
collection for it, and checks that it detects rules that are too broad.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store import Database
from tests.rules.stored import all_documents, store_something_of

ROOT = Path(__file__).parents[2]
RULES = ROOT / "firestore.rules"
USER, OTHER, DISABLED = "ada", "bob", "eve"

RunRulesTests = Callable[[Path], subprocess.CompletedProcess[str]]


def collections_in_the_code() -> set[str]:
    """Returns the collections that `shared/store` names."""
    found: set[str] = set()
    for file in (ROOT / "shared" / "store").glob("*.py"):
        found |= set(re.findall(r'(?:\.collection\(|super\(\).__init__\(client, )"(\w+)"', file.read_text()))
    return found


@pytest.fixture
async def paths(database: Database, project: str) -> list[str]:
    """The paths of three users' documents in every collection."""
    for uid in (USER, OTHER):
        await store_something_of(database, uid)
    await store_something_of(database, DISABLED, disabled=True)
    return await all_documents(project)


@pytest.fixture
def run_rules_tests(paths: list[str], settings: Settings, firestore_host: str) -> RunRulesTests:
    """Runs Node's tests on the rules in a file."""
    node = shutil.which("node")
    assert node, "Node.js is missing; see README"
    host, _, port = firestore_host.partition(":")
    common = {"project": settings.google_cloud_project, "host": host, "port": int(port), "paths": paths}

    def run(rules: Path) -> subprocess.CompletedProcess[str]:
        config = json.dumps({**common, "rules": str(rules), "user": USER, "other": OTHER, "disabled": DISABLED})
        return subprocess.run(
            [node, "--test", "--test-reporter=spec", "tests/rules/rules.test.mjs"],
            cwd=ROOT,
            env={**os.environ, "RULES_TEST": config},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def test_every_collection_of_the_code_is_tested(paths: list[str]) -> None:
    """A new collection needs a document in `stored.py`."""
    named = {part for path in paths for part in path.split("/")[::2]}
    assert named == collections_in_the_code()


def test_browsers_can_read_only_the_users_own_tickets_and_record(run_rules_tests: RunRulesTests) -> None:
    """They can write nothing, and no claim, list or collection group gives more access."""
    result = run_rules_tests(RULES)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("allow get: if request.auth != null && resource.data.owner == request.auth.uid", "allow get: if true"),
        ("allow get: if request.auth != null && resource", "allow read: if request.auth != null && resource"),
        ("&& uid == request.auth.uid", "&& (uid == request.auth.uid || request.auth.token.admin == true)"),
        ("match /users/{uid} {", "match /users/{uid} {\n allow update: if request.auth.uid == uid;"),
        ("match /users/{uid} {", "match /users/{uid}/{rest=**} {\n allow create: if request.auth.uid == uid;"),
        ("match /users/{uid} {", "match /{any=**}/usage/{id} { allow list: if request.auth != null; }\n$&"),
        ("get(account()).data.get('disabled', false) != true", "true"),
        ("resource.data.get('disabled', false) != true", "true"),
        ("allow read, write: if false", "allow read: if resource.data.visibility == 'shared'"),
        ("allow get: if request.auth != null && uid", "allow get: if false && uid"),
    ],
)
def test_rules_that_are_too_broad_or_too_narrow_are_detected(
    run_rules_tests: RunRulesTests, tmp_path: Path, narrow: str, wide: str
) -> None:
    """If one condition is changed, the tests above fail."""
    rules = RULES.read_text()
    assert rules.count(narrow) == 1
    changed = tmp_path / "firestore.rules"
    changed.write_text(rules.replace(narrow, wide.replace("$&", narrow)))
    result = run_rules_tests(changed)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "not refused" in result.stdout or "permission-denied" in result.stdout, result.stdout
