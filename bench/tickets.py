"""Checks that chats ended as they should: each completed, each charged once, and nothing held any more."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.base_query import FieldFilter

from bench.doubles.model_server import COMPLETION_TOKENS, PROMPT_TOKENS
from bench.watching import MeasurementFailed

CHARGE = round(PROMPT_TOKENS * 0.4 + COMPLETION_TOKENS * 1.6)
"""The price of an answer of the scripted model as gpt-4.1-mini, in millionths of a dollar."""


class LedgerWrong(MeasurementFailed):
    """A ticket or an account is not as it must be."""


async def check_chats(project: str, uids: Iterable[str], tickets: int) -> None:
    """Raises `LedgerWrong` unless the users have this many tickets in all, completed and charged once each."""
    client = AsyncClient(project=project)
    found = await asyncio.gather(*(_check_chats_of(client, uid) for uid in uids))
    if sum(found) != tickets:
        raise LedgerWrong(f"{sum(found)} tickets are stored, but {tickets} chats were accepted.")


async def _check_chats_of(client: AsyncClient, uid: str) -> int:
    query = client.collection("tickets").where(filter=FieldFilter("owner", "==", uid))
    tickets = {ticket.id: ticket.to_dict() or {} for ticket in await query.get()}
    if states := [ticket["status"] for ticket in tickets.values() if ticket["status"] != "completed"]:
        raise LedgerWrong(f"{len(states)} tickets of {uid} are not completed, but {sorted(set(states))}.")
    await check_account(client, uid, len(tickets))
    return len(tickets)


async def check_account(client: AsyncClient, uid: str, charges: int) -> None:
    """Raises `LedgerWrong` unless the user has this many entries of `CHARGE`, and an account that agrees with them."""
    account = client.collection("users").document(uid)
    snapshot, entries = await asyncio.gather(account.get(), account.collection("usage").get())
    compare_ledger(uid, snapshot.to_dict() or {}, [entry.to_dict() or {} for entry in entries], charges)


def compare_ledger(uid: str, account: Mapping[str, Any], entries: list[dict[str, Any]], charges: int) -> None:
    """See `check_account`."""
    charged = [entry["charged"] for entry in entries]
    if charged != [CHARGE] * charges:
        raise LedgerWrong(f"{uid} has {len(charged)} entries of {sorted(set(charged))}, not {charges} of {CHARGE}.")
    state = {name: account.get(name) for name in ("spent", "held", "owed", "residue")}
    if state != {"spent": charges * CHARGE, "held": 0, "owed": 0, "residue": 0}:
        raise LedgerWrong(f"The account of {uid} is {state} after {charges} charges of {CHARGE}.")
