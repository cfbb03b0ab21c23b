"""Tests the security rules on the Firestore emulator with the client that browsers use.

`rules.test.mjs` contains the tests of the rules, for Node's test runner. This module stores the documents that they
need in every collection, and checks that they detect rules that are too broad or too narrow.
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
from tests.rules.stored import list_document_paths, store_documents_of

ROOT = Path(__file__).parents[2]
RULES = ROOT / "firestore.rules"
USER, OTHER, DISABLED = "ada", "bob", "eve"

RunRulesTests = Callable[[Path], subprocess.CompletedProcess[str]]


def collections_in_code() -> set[str]:
    """Returns the names of the collections that the code in `shared/store` uses."""
    names: set[str] = set()
    for file in (ROOT / "shared" / "store").glob("*.py"):
        names |= set(re.findall(r'(?:\.collection\(|super\(\).__init__\(client, )"(\w+)"', file.read_text()))
    return names


@pytest.fixture
async def paths(database: Database, project: str) -> list[str]:
    """Stores documents of three users in every collection, and returns their paths."""
    for uid in (USER, OTHER):
        await store_documents_of(database, uid)
    await store_documents_of(database, DISABLED, disabled=True)
    return await list_document_paths(project)


@pytest.fixture
def run_rules_tests(paths: list[str], settings: Settings, firestore_host: str) -> RunRulesTests:
    """Returns a function that runs `rules.test.mjs` with the rules in a file."""
    node = shutil.which("node")
    assert node, "Node.js is missing; see README"
    host, _, port = firestore_host.partition(":")
    common_config = {"project": settings.google_cloud_project, "host": host, "port": int(port), "paths": paths}

    def run(rules: Path) -> subprocess.CompletedProcess[str]:
        config = json.dumps({**common_config, "rules": str(rules), "user": USER, "other": OTHER, "disabled": DISABLED})
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


def test_every_collection_in_the_code_is_tested(paths: list[str]) -> None:
    """`stored.py` writes a document to every collection that the code uses."""
    stored_collections = {part for path in paths for part in path.split("/")[::2]}
    assert stored_collections == collections_in_code()


def test_browsers_can_read_only_the_users_own_tickets_and_record(run_rules_tests: RunRulesTests) -> None:
    """Browsers can read only the user's own tickets, their parts, and the user's record, and write nothing. No claim,
    list or collection group gives more access."""
    result = run_rules_tests(RULES)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("original", "replacement"),
    [
        ("allow get: if request.auth != null && resource.data.owner == request.auth.uid", "allow get: if true"),
        ("allow get: if request.auth != null && resource", "allow read: if request.auth != null && resource"),
        ("&& uid == request.auth.uid", "&& (uid == request.auth.uid || request.auth.token.admin == true)"),
        ("match /users/{uid} {", "match /users/{uid} {\n allow update: if request.auth.uid == uid;"),
        ("match /users/{uid} {", "match /users/{uid}/{rest=**} {\n allow create: if request.auth.uid == uid;"),
        ("match /users/{uid} {", "match /{any=**}/usage/{id} { allow list: if request.auth != null; }\n$&"),
        ("ticket().data.owner == request.auth.uid && isEnabled()", "isEnabled()"),
        ("ticket().data.owner == request.auth.uid && isEnabled()", "ticket().data.owner == request.auth.uid"),
        ("allow read: if request.auth != null && ticket()", "allow get: if request.auth != null && ticket()"),
        ("allow read: if request.auth != null && ticket()", "allow list: if request.auth != null && ticket()"),
        ("allow read: if request.auth != null && ticket()", "allow read, write: if request.auth != null && ticket()"),
        ("match /parts/{n} {", "match /parts/{n} {\n allow read: if resource.data.owner == request.auth.uid;"),
        ("match /users/{uid} {", "match /{any=**}/parts/{id} { allow list: if request.auth != null; }\n$&"),
        ("resource.data.owner == request.auth.uid && isEnabled()", "resource.data.owner == request.auth.uid"),
        ("get(account()).data.get('disabled', false) != true", "true"),
        ("resource.data.get('disabled', false) != true", "true"),
        ("allow read, write: if false", "allow read: if resource.data.visibility == 'shared'"),
        ("allow get: if request.auth != null && uid", "allow get: if false && uid"),
    ],
)
def test_rules_that_are_too_broad_or_too_narrow_are_detected(
    run_rules_tests: RunRulesTests, tmp_path: Path, original: str, replacement: str
) -> None:
    """If one condition of the rules is changed, `rules.test.mjs` fails."""
    rules = RULES.read_text()
    assert rules.count(original) == 1
    changed_rules = tmp_path / "firestore.rules"
    changed_rules.write_text(rules.replace(original, replacement.replace("$&", original)))
    result = run_rules_tests(changed_rules)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "not refused" in result.stdout or "permission-denied" in result.stdout, result.stdout
