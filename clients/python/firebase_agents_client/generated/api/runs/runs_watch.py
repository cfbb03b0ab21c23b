from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.invalid import Invalid
from ...types import UNSET, Response, Unset


def _get_kwargs(
    run_id: str,
    *,
    wait: int | None | Unset = UNSET,
    starting_after: int | None | Unset = UNSET,
    last_event_id: int | None | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(last_event_id, Unset):
        headers["Last-Event-Id"] = last_event_id

    params: dict[str, Any] = {}

    json_wait: int | None | Unset
    if isinstance(wait, Unset):
        json_wait = UNSET
    else:
        json_wait = wait
    params["wait"] = json_wait

    json_starting_after: int | None | Unset
    if isinstance(starting_after, Unset):
        json_starting_after = UNSET
    else:
        json_starting_after = starting_after
    params["starting_after"] = json_starting_after

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/runs/{run_id}/events".format(
            run_id=quote(str(run_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Any | Error | Invalid | None:
    if response.status_code == 200:
        response_200 = cast(Any, None)
        return response_200

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Error.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Error.from_dict(response.json())

        return response_404

    if response.status_code == 422:
        response_422 = Invalid.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Error.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Error.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Error.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | Error | Invalid]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    run_id: str,
    *,
    client: AuthenticatedClient,
    wait: int | None | Unset = UNSET,
    starting_after: int | None | Unset = UNSET,
    last_event_id: int | None | Unset = UNSET,
) -> Response[Any | Error | Invalid]:
    """Streams what the run does and prints, and the run itself at the end

     Streams what the run does and prints, and the run itself at the end.

    Some events have an `id`, which is a cursor. A client that was disconnected continues after the last
    one that it
    has, on any instance, also after the run has ended. The response ends after 280 seconds at the
    latest, and through
    Hosting, which holds it back until its end, after 25; the client then continues with its cursor.

    Args:
        run_id (str):
        wait (int | None | Unset): The response ends after so many seconds, or right after the
            first events that are new.
        starting_after (int | None | Unset): The `id` of the last event that the client has.
        last_event_id (int | None | Unset): The same as `starting_after`, and takes precedence.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Error | Invalid]
    """

    kwargs = _get_kwargs(
        run_id=run_id,
        wait=wait,
        starting_after=starting_after,
        last_event_id=last_event_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    run_id: str,
    *,
    client: AuthenticatedClient,
    wait: int | None | Unset = UNSET,
    starting_after: int | None | Unset = UNSET,
    last_event_id: int | None | Unset = UNSET,
) -> Any | Error | Invalid | None:
    """Streams what the run does and prints, and the run itself at the end

     Streams what the run does and prints, and the run itself at the end.

    Some events have an `id`, which is a cursor. A client that was disconnected continues after the last
    one that it
    has, on any instance, also after the run has ended. The response ends after 280 seconds at the
    latest, and through
    Hosting, which holds it back until its end, after 25; the client then continues with its cursor.

    Args:
        run_id (str):
        wait (int | None | Unset): The response ends after so many seconds, or right after the
            first events that are new.
        starting_after (int | None | Unset): The `id` of the last event that the client has.
        last_event_id (int | None | Unset): The same as `starting_after`, and takes precedence.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Error | Invalid
    """

    return sync_detailed(
        run_id=run_id,
        client=client,
        wait=wait,
        starting_after=starting_after,
        last_event_id=last_event_id,
    ).parsed


async def asyncio_detailed(
    run_id: str,
    *,
    client: AuthenticatedClient,
    wait: int | None | Unset = UNSET,
    starting_after: int | None | Unset = UNSET,
    last_event_id: int | None | Unset = UNSET,
) -> Response[Any | Error | Invalid]:
    """Streams what the run does and prints, and the run itself at the end

     Streams what the run does and prints, and the run itself at the end.

    Some events have an `id`, which is a cursor. A client that was disconnected continues after the last
    one that it
    has, on any instance, also after the run has ended. The response ends after 280 seconds at the
    latest, and through
    Hosting, which holds it back until its end, after 25; the client then continues with its cursor.

    Args:
        run_id (str):
        wait (int | None | Unset): The response ends after so many seconds, or right after the
            first events that are new.
        starting_after (int | None | Unset): The `id` of the last event that the client has.
        last_event_id (int | None | Unset): The same as `starting_after`, and takes precedence.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Error | Invalid]
    """

    kwargs = _get_kwargs(
        run_id=run_id,
        wait=wait,
        starting_after=starting_after,
        last_event_id=last_event_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    run_id: str,
    *,
    client: AuthenticatedClient,
    wait: int | None | Unset = UNSET,
    starting_after: int | None | Unset = UNSET,
    last_event_id: int | None | Unset = UNSET,
) -> Any | Error | Invalid | None:
    """Streams what the run does and prints, and the run itself at the end

     Streams what the run does and prints, and the run itself at the end.

    Some events have an `id`, which is a cursor. A client that was disconnected continues after the last
    one that it
    has, on any instance, also after the run has ended. The response ends after 280 seconds at the
    latest, and through
    Hosting, which holds it back until its end, after 25; the client then continues with its cursor.

    Args:
        run_id (str):
        wait (int | None | Unset): The response ends after so many seconds, or right after the
            first events that are new.
        starting_after (int | None | Unset): The `id` of the last event that the client has.
        last_event_id (int | None | Unset): The same as `starting_after`, and takes precedence.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Error | Invalid
    """

    return (
        await asyncio_detailed(
            run_id=run_id,
            client=client,
            wait=wait,
            starting_after=starting_after,
            last_event_id=last_event_id,
        )
    ).parsed
