"""A user's API keys: creates, lists and revokes them. The caller must have signed in: no key manages keys."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import clock
from shared.models.api_key import ApiKey, CreatedKey, CreateKeyRequest, Key, KeyBudget, Scope
from shared.models.caller import Caller
from shared.models.errors import Forbidden, NotFound
from shared.models.key_period import KeyPeriod, Period, period_id
from shared.models.money import PICOS_PER_MICRO, to_dollars, to_micros
from shared.services.api_keys.key_text import make_key_text, prefix_of
from shared.services.pagination import Page, read_moment_token, write_moment_token
from shared.services.quotas import QuotaService
from shared.settings import Settings
from shared.store import Database, Transaction


@dataclass(frozen=True)
class ApiKeyService:
    """Manages keys."""

    database: Database
    settings: Settings

    async def create(self, caller: Caller, request: CreateKeyRequest) -> CreatedKey:
        """Stores a key's digest, and returns the key. One transaction.

        Raises `TooLarge` if the user has too many keys, and `Forbidden` for a caller with a key.
        """
        _refuse_key(caller)
        now, text, budget = clock.now(), make_key_text(), request.budget
        key = ApiKey(
            id=text.id,
            owner=caller.uid,
            name=request.name,
            digest=text.digest,
            scopes=request.scopes or list(Scope),
            budget=None if budget is None else to_micros(budget.amount),
            period=Period.MONTH if budget is None else budget.period,
            expires_at=request.expires_at,
            created_at=now,
        )

        async def write(transaction: Transaction) -> None:
            await QuotaService(self.database, self.settings).refuse_another_api_key(caller.uid, transaction)
            self.database.api_keys.add(key, transaction)

        await self.database.transaction(write, serialize_on=f"keys:{caller.uid}")
        return CreatedKey(**_show(key, None, now).model_dump(), key=text.text)

    async def list(self, caller: Caller, limit: int, token: str | None = None) -> Page[Key]:
        """The caller's keys, the newest first, with what they have spent. One query, and two reads per key.

        Raises `BadRequest` for an invalid `token`, and `Forbidden` for a caller with a key.
        """
        _refuse_key(caller)
        now, after = clock.now(), None if token is None else read_moment_token(token)
        async with self.database.raising_unavailable():
            keys, more = await self.database.api_keys.page(caller.uid, limit, after)
            periods = await asyncio.gather(
                *(self.database.key_periods.get(period_id(key.id, key.period, now)) for key in keys)
            )
        last = keys[-1] if more else None
        shown = [_show(key, period, now) for key, period in zip(keys, periods, strict=True)]
        return Page(shown, write_moment_token(last.created_at, last.id) if last else None)

    async def revoke(self, caller: Caller, key_id: str) -> None:
        """Deletes the key, and what it has spent in the current period and those before and after. One transaction.

        Instances whose clocks differ are in different periods around midnight. The periods may change all the time
        while the key is in use, so they are deleted without reading them. What the key has started continues, but makes
        no further calls that cost something. Raises `NotFound`, also for another user's key, and `Forbidden` for
        a caller with a key.
        """
        _refuse_key(caller)

        async def write(transaction: Transaction) -> None:
            key = await self.database.api_keys.get(key_id, transaction)
            if key is None or key.owner != caller.uid:
                raise NotFound("There is no such key.")
            now = clock.now()
            before = key.period.start(now) - timedelta(seconds=1)
            for moment in (before, now, key.period.end(now)):
                self.database.key_periods.remove(period_id(key.id, key.period, moment), transaction)
            self.database.api_keys.remove(key, transaction)

        await self.database.transaction(write)


def _refuse_key(caller: Caller) -> None:
    if caller.key is not None:
        raise Forbidden("An API key cannot manage keys. Sign in, and send an ID token.")


def _show(key: ApiKey, period: KeyPeriod | None, now: datetime) -> Key:
    budget = None if key.budget is None else KeyBudget(amount=to_dollars(key.budget), period=key.period)
    return Key(
        id=key.id,
        name=key.name,
        prefix=prefix_of(key.id),
        scopes=key.scopes,
        budget=budget,
        spent=to_dollars(0 if period is None else period.spent) / PICOS_PER_MICRO,
        spent_since=key.period.start(now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )
