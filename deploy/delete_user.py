"""Counts a user's documents, or deletes them: `python -m deploy.delete_user --project PROJECT UID [--yes]`.

Records in `audit` are not deleted, nor are parts, journals and images whose ticket was deleted before: Firestore's TTL
deletes them. Run the command again if it was interrupted or if the user's chats were still running.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import chain

from google.cloud.firestore import Client, DocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter

OWNED = (
    "apiKeys",
    "deployments",
    "deploymentDays",
    "keyPeriods",
    "schedules",
    "agents",
    "demos",
    "webhooks",
    "deliveries",
    "requests",
    "tickets",
    "idempotency",
    "holds",
)
"""The collections whose documents have an `owner`, in the order of deletion. Documents that give others access
come first, and schedules, which make new tickets. Requests, parts and journals precede their tickets, by which they are
found, as images precede their requests."""
BELOW = {"requests": ("images",), "tickets": ("parts", "journal")}
BELOW_ACCOUNT = ("sessions", "turns", "usage")
BATCH_SIZE = 100


def documents_of(client: Client, uid: str) -> Iterator[tuple[str, DocumentReference]]:
    """Yields each document with its collection's name, and finally the account.

    Costs one read per document, and up to three more for each ticket.
    """
    account = client.collection("users").document(uid)
    for name in OWNED:
        query = client.collection(name).where(filter=FieldFilter("owner", "==", uid)).select([])
        references = [snapshot.reference for snapshot in query.stream()]
        for below in BELOW.get(name, ()):
            for reference in references:
                snapshots = reference.collection(below).select([]).stream()
                yield from ((below, snapshot.reference) for snapshot in snapshots)
        yield from ((name, reference) for reference in references)
    for name in BELOW_ACCOUNT:
        yield from ((name, snapshot.reference) for snapshot in account.collection(name).select([]).stream())
    if account.get([]).exists:
        yield "users", account


def delete(client: Client, references: Sequence[DocumentReference]) -> None:
    """Deletes the documents in batches, in the given order."""
    for start in range(0, len(references), BATCH_SIZE):
        batch = client.batch()
        for reference in references[start : start + BATCH_SIZE]:
            batch.delete(reference)
        batch.commit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.delete_user", description=__doc__)
    parser.add_argument("--project", required=True, help="the project's id")
    parser.add_argument("--yes", action="store_true", help="delete the documents instead of only counting them")
    parser.add_argument("uid", help="the user's id")
    options = parser.parse_args(arguments)
    if not options.uid or "/" in options.uid:
        print(f"✗ {options.uid!r} is not a valid user id.", file=sys.stderr)
        return 1
    client = Client(project=options.project)
    documents = list(documents_of(client, options.uid))
    for name in (*OWNED, *chain(*BELOW.values()), *BELOW_ACCOUNT, "users"):
        print(f"  {name:14} {sum(collection == name for collection, _ in documents):6}")
    if options.yes:
        delete(client, [reference for _, reference in documents])
        print(f"✓ Deleted {len(documents)} documents")
    else:
        print("· Nothing was deleted. Pass --yes to delete.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
