"""Makes chosen commits to the database fail, or lose their responses."""

import itertools
from collections.abc import Callable
from typing import Any

from google.api_core.exceptions import ServiceUnavailable

from shared.store import Database


def lose_responses(database: Database, error: Exception, *commits: int) -> None:
    """Makes the commits with these numbers raise `error` after they have taken effect. Counting starts at 1 with the
    next commit. Without numbers, this applies to the next commit.
    """
    api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit = api.commit
    numbers = itertools.count(1)

    async def commit_and_raise(*args: Any, **kwargs: Any) -> Any:
        number = next(numbers)
        response = await commit(*args, **kwargs)
        if number in (commits or (1,)):
            raise error
        return response

    api.commit = commit_and_raise


def break_commits(database: Database, first: int, *applied: int) -> Callable[[], None]:
    """Makes commit number `first` fail, and every commit and read after it. Counting starts at 1 with the next commit.

    The commits with the numbers in `applied` take effect nevertheless. Returns a function that makes the database work
    again.
    """
    api = database._client._firestore_api  # pyright: ignore[reportPrivateUsage]
    commit, read = api.commit, api.batch_get_documents
    numbers = itertools.count(1)

    async def break_commit(*args: Any, **kwargs: Any) -> Any:
        number = next(numbers)
        if number < first:
            return await commit(*args, **kwargs)
        api.batch_get_documents = fail
        if number in applied:
            await commit(*args, **kwargs)
        raise ServiceUnavailable("gone")

    async def fail(*_: Any, **__: Any) -> Any:
        raise ServiceUnavailable("gone")

    def restore() -> None:
        api.commit, api.batch_get_documents = commit, read

    api.commit = break_commit
    return restore
