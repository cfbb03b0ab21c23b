from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.create_key_request import CreateKeyRequest
from ...models.created_key import CreatedKey
from ...models.error import Error
from ...models.invalid import Invalid
from ...types import Response


def _get_kwargs(
    *,
    body: CreateKeyRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/users/me/keys",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> CreatedKey | Error | Invalid | None:
    if response.status_code == 201:
        response_201 = CreatedKey.from_dict(response.json())

        return response_201

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Error.from_dict(response.json())

        return response_403

    if response.status_code == 413:
        response_413 = Error.from_dict(response.json())

        return response_413

    if response.status_code == 422:
        response_422 = Invalid.from_dict(response.json())

        return response_422

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
) -> Response[CreatedKey | Error | Invalid]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateKeyRequest,
) -> Response[CreatedKey | Error | Invalid]:
    """Creates a key

     Creates a key. The response is the only one that contains it.

    Args:
        body (CreateKeyRequest): The request body of `POST /users/me/keys`.

            `expiresAt`: when the key stops working, in the future; without it, it works until it is
            revoked. `budget`: without
            it, the key may spend all of the user's allowance. `scopes`: what the key opens; without
            it, everything that a key
            can open. Unknown fields are refused: a misspelled limit must not make a key without
            limits.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CreatedKey | Error | Invalid]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: CreateKeyRequest,
) -> CreatedKey | Error | Invalid | None:
    """Creates a key

     Creates a key. The response is the only one that contains it.

    Args:
        body (CreateKeyRequest): The request body of `POST /users/me/keys`.

            `expiresAt`: when the key stops working, in the future; without it, it works until it is
            revoked. `budget`: without
            it, the key may spend all of the user's allowance. `scopes`: what the key opens; without
            it, everything that a key
            can open. Unknown fields are refused: a misspelled limit must not make a key without
            limits.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CreatedKey | Error | Invalid
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateKeyRequest,
) -> Response[CreatedKey | Error | Invalid]:
    """Creates a key

     Creates a key. The response is the only one that contains it.

    Args:
        body (CreateKeyRequest): The request body of `POST /users/me/keys`.

            `expiresAt`: when the key stops working, in the future; without it, it works until it is
            revoked. `budget`: without
            it, the key may spend all of the user's allowance. `scopes`: what the key opens; without
            it, everything that a key
            can open. Unknown fields are refused: a misspelled limit must not make a key without
            limits.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CreatedKey | Error | Invalid]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: CreateKeyRequest,
) -> CreatedKey | Error | Invalid | None:
    """Creates a key

     Creates a key. The response is the only one that contains it.

    Args:
        body (CreateKeyRequest): The request body of `POST /users/me/keys`.

            `expiresAt`: when the key stops working, in the future; without it, it works until it is
            revoked. `budget`: without
            it, the key may spend all of the user's allowance. `scopes`: what the key opens; without
            it, everything that a key
            can open. Unknown fields are refused: a misspelled limit must not make a key without
            limits.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CreatedKey | Error | Invalid
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
