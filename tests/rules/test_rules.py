"""The security rules, tested on the Firestore emulator with the client that browsers use.

`rules.test.mjs` has the tests of the rules, for Node's runner. This module stores documents in every collection for it,
and checks that it detects rules that are too broad.
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

Tried = Callable[[Path], subprocess.CompletedProcess[str]]


def collections_in_the_code() -> set[str]:
    """The collections that `shared/store` names."""
    found: set[str] = set()
    for file in (ROOT / "shared" / "store").glob("*.py"):
        found |= set(re.findall(r'(?:\.collection\(|super\(\).__init__\(client, )"(\w+)"', file.read_text()))
    return found


@pytest.fixture
async def paths(database: Database, project: str) -> list[str]:
    """Documents of three users in every collection."""
    for uid in (USER, OTHER):
        await store_something_of(database, uid)
    await store_something_of(database, DISABLED, disabled=True)
    return await all_documents(project)


@pytest.fixture
def tried(paths: list[str], settings: Settings, firestore_host: str) -> Tried:
    """Runs Node's tests on the rules of a file."""
    node = shutil.which("node")
    assert node, "Node.js is missing; see README"
    host, _, port = firestore_host.partition(":")
    given = {"project": settings.google_cloud_project, "host": host, "port": int(port), "paths": paths}

    def run(rules: Path) -> subprocess.CompletedProcess[str]:
        told = json.dumps({**given, "rules": str(rules), "user": USER, "other": OTHER, "disabled": DISABLED})
        return subprocess.run(
            [node, "--test", "--test-reporter=spec", "tests/rules/rules.test.mjs"],
            cwd=ROOT,
            env={**os.environ, "RULES_TEST": told},
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


def test_browsers_read_the_own_tickets_and_record_and_nothing_else(tried: Tried) -> None:
    """They write nothing; no claim, list or collection group gives more access."""
    done = tried(RULES)
    assert done.returncode == 0, done.stdout + done.stderr


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
def test_rules_that_are_too_broad_or_too_narrow_are_noticed(
    tried: Tried, tmp_path: Path, narrow: str, wide: str
) -> None:
    """If one word is changed, the tests above fail."""
    rules = RULES.read_text()
    assert rules.count(narrow) == 1
    changed = tmp_path / "firestore.rules"
    changed.write_text(rules.replace(narrow, wide.replace("$&", narrow)))
    done = tried(changed)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "not refused" in done.stdout or "permission-denied" in done.stdout, done.stdout
