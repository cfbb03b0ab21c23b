from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.chat_response import ChatResponse
from ...models.error import Error
from ...types import Response


def _get_kwargs(
    ticket_id: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/chat/{ticket_id}/cancel".format(
            ticket_id=quote(str(ticket_id), safe=""),
        ),
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ChatResponse | Error | None:
    if response.status_code == 200:
        response_200 = ChatResponse.from_dict(response.json())

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
) -> Response[ChatResponse | Error]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    ticket_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[ChatResponse | Error]:
    """Stops the chat, and returns it as it ended

     Stops the chat, and returns it as it ended. A chat that had already ended stays as it is.

    A chat that never began costs nothing. If it is running, the model's connection is closed within a
    second; what the
    model had said is kept as the `result`, with the `finish_reason` "cancelled" in its `thoughts`, and
    what it had used
    is charged. If the worker has died, the response has the status `processing`; the chat ends within a
    minute or two.

    Args:
        ticket_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChatResponse | Error]
    """

    kwargs = _get_kwargs(
        ticket_id=ticket_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    ticket_id: str,
    *,
    client: AuthenticatedClient,
) -> ChatResponse | Error | None:
    """Stops the chat, and returns it as it ended

     Stops the chat, and returns it as it ended. A chat that had already ended stays as it is.

    A chat that never began costs nothing. If it is running, the model's connection is closed within a
    second; what the
    model had said is kept as the `result`, with the `finish_reason` "cancelled" in its `thoughts`, and
    what it had used
    is charged. If the worker has died, the response has the status `processing`; the chat ends within a
    minute or two.

    Args:
        ticket_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChatResponse | Error
    """

    return sync_detailed(
        ticket_id=ticket_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    ticket_id: str,
    *,
    client: AuthenticatedClient,
) -> Response[ChatResponse | Error]:
    """Stops the chat, and returns it as it ended

     Stops the chat, and returns it as it ended. A chat that had already ended stays as it is.

    A chat that never began costs nothing. If it is running, the model's connection is closed within a
    second; what the
    model had said is kept as the `result`, with the `finish_reason` "cancelled" in its `thoughts`, and
    what it had used
    is charged. If the worker has died, the response has the status `processing`; the chat ends within a
    minute or two.

    Args:
        ticket_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ChatResponse | Error]
    """

    kwargs = _get_kwargs(
        ticket_id=ticket_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    ticket_id: str,
    *,
    client: AuthenticatedClient,
) -> ChatResponse | Error | None:
    """Stops the chat, and returns it as it ended

     Stops the chat, and returns it as it ended. A chat that had already ended stays as it is.

    A chat that never began costs nothing. If it is running, the model's connection is closed within a
    second; what the
    model had said is kept as the `result`, with the `finish_reason` "cancelled" in its `thoughts`, and
    what it had used
    is charged. If the worker has died, the response has the status `processing`; the chat ends within a
    minute or two.

    Args:
        ticket_id (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ChatResponse | Error
    """

    return (
        await asyncio_detailed(
            ticket_id=ticket_id,
            client=client,
        )
    ).parsed
