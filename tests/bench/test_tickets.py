"""The check of chats and charges after a load."""

from typing import Any

import pytest

from bench.tickets import CHARGE, LedgerWrong, compare_ledger

_ACCOUNT = {"spent": 2 * CHARGE, "held": 0, "owed": 0, "residue": 0}
_ENTRIES: list[dict[str, Any]] = [{"charged": CHARGE}] * 2


def test_a_ledger_that_agrees_passes() -> None:
    """Each chat has one entry, and the account is their sum."""
    compare_ledger("ada", _ACCOUNT, _ENTRIES, 2)


@pytest.mark.parametrize(
    ("account", "entries", "charges"),
    [
        (_ACCOUNT, _ENTRIES, 3),
        (_ACCOUNT, _ENTRIES, 1),
        (_ACCOUNT, [{"charged": CHARGE}, {"charged": CHARGE - 1}], 2),
        ({**_ACCOUNT, "spent": 2 * CHARGE + 1}, _ENTRIES, 2),
        ({**_ACCOUNT, "held": 1}, _ENTRIES, 2),
        ({**_ACCOUNT, "owed": 1}, _ENTRIES, 2),
        ({}, _ENTRIES, 2),
    ],
)
def test_every_difference_is_an_error(account: dict[str, Any], entries: list[dict[str, Any]], charges: int) -> None:
    """A missing, additional or wrong charge, a wrong sum, and an amount that is still held."""
    with pytest.raises(LedgerWrong):
        compare_ledger("ada", account, entries, charges)
