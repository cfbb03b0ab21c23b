"""`python -m deploy.delete_user --project PROJECT UID [--yes]`: counts what is stored of a user, and deletes it.

Records in `audit` stay. Run it again if it was interrupted, or if a chat of the user was still running.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence

from google.cloud.firestore import Client, DocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter

OWNED = ("deployments", "deploymentDays", "agents", "demos", "requests", "tickets", "idempotency", "holds")
"""Collections whose documents name their `owner`: first what others reach, a ticket after its request."""
BELOW_ACCOUNT = ("sessions", "turns", "usage")
AT_ONCE = 100


def documents_of(client: Client, uid: str) -> Iterator[tuple[str, DocumentReference]]:
    """Each document of the user with its collection's name; the account itself last. One read for each."""
    account = client.collection("users").document(uid)
    for name in OWNED:
        query = client.collection(name).where(filter=FieldFilter("owner", "==", uid)).select([])
        yield from ((name, snapshot.reference) for snapshot in query.stream())
    for name in BELOW_ACCOUNT:
        yield from ((name, snapshot.reference) for snapshot in account.collection(name).select([]).stream())
    if account.get([]).exists:
        yield "users", account


def delete(client: Client, references: Sequence[DocumentReference]) -> None:
    """Some at a time, in their order."""
    for start in range(0, len(references), AT_ONCE):
        batch = client.batch()
        for reference in references[start : start + AT_ONCE]:
            batch.delete(reference)
        batch.commit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.delete_user", description=__doc__)
    parser.add_argument("--project", required=True, help="the project's id")
    parser.add_argument("--yes", action="store_true", help="delete, rather than only count")
    parser.add_argument("uid", help="the user's id")
    asked = parser.parse_args(arguments)
    if not asked.uid or "/" in asked.uid:
        print(f"✗ {asked.uid!r} cannot be a user's id.", file=sys.stderr)
        return 1
    client = Client(project=asked.project)
    found = list(documents_of(client, asked.uid))
    for name in (*OWNED, *BELOW_ACCOUNT, "users"):
        print(f"  {name:14} {sum(kind == name for kind, _ in found):6}")
    if asked.yes:
        delete(client, [reference for _, reference in found])
        print(f"✓ {len(found)} documents deleted")
    else:
        print("· Nothing was deleted: that takes --yes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
