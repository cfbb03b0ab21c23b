from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.invalid import Invalid
from ...models.key import Key
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    limit: int | Unset = 500,
    page_token: None | str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_page_token: None | str | Unset
    if isinstance(page_token, Unset):
        json_page_token = UNSET
    else:
        json_page_token = page_token
    params["pageToken"] = json_page_token

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/users/me/keys",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Error | Invalid | list[Key] | None:
    if response.status_code == 200:
        response_200 = []
        _response_200 = response.json()
        for response_200_item_data in _response_200:
            response_200_item = Key.from_dict(response_200_item_data)

            response_200.append(response_200_item)

        return response_200

    if response.status_code == 400:
        response_400 = Error.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Error.from_dict(response.json())

        return response_403

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
) -> Response[Error | Invalid | list[Key]]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 500,
    page_token: None | str | Unset = UNSET,
) -> Response[Error | Invalid | list[Key]]:
    """Lists the caller's keys, the newest first, with their last use and what they have spent

     Lists the caller's keys, the newest first, with their last use and what they have spent.

    `X-Next-Page-Token` leads to the next page.

    Args:
        limit (int | Unset): The maximum number of entries. Large entries make a shorter page.
            Default: 500.
        page_token (None | str | Unset): The `X-Next-Page-Token` of the previous page.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | list[Key]]
    """

    kwargs = _get_kwargs(
        limit=limit,
        page_token=page_token,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 500,
    page_token: None | str | Unset = UNSET,
) -> Error | Invalid | list[Key] | None:
    """Lists the caller's keys, the newest first, with their last use and what they have spent

     Lists the caller's keys, the newest first, with their last use and what they have spent.

    `X-Next-Page-Token` leads to the next page.

    Args:
        limit (int | Unset): The maximum number of entries. Large entries make a shorter page.
            Default: 500.
        page_token (None | str | Unset): The `X-Next-Page-Token` of the previous page.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | list[Key]
    """

    return sync_detailed(
        client=client,
        limit=limit,
        page_token=page_token,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 500,
    page_token: None | str | Unset = UNSET,
) -> Response[Error | Invalid | list[Key]]:
    """Lists the caller's keys, the newest first, with their last use and what they have spent

     Lists the caller's keys, the newest first, with their last use and what they have spent.

    `X-Next-Page-Token` leads to the next page.

    Args:
        limit (int | Unset): The maximum number of entries. Large entries make a shorter page.
            Default: 500.
        page_token (None | str | Unset): The `X-Next-Page-Token` of the previous page.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | list[Key]]
    """

    kwargs = _get_kwargs(
        limit=limit,
        page_token=page_token,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 500,
    page_token: None | str | Unset = UNSET,
) -> Error | Invalid | list[Key] | None:
    """Lists the caller's keys, the newest first, with their last use and what they have spent

     Lists the caller's keys, the newest first, with their last use and what they have spent.

    `X-Next-Page-Token` leads to the next page.

    Args:
        limit (int | Unset): The maximum number of entries. Large entries make a shorter page.
            Default: 500.
        page_token (None | str | Unset): The `X-Next-Page-Token` of the previous page.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | list[Key]
    """

    return (
        await asyncio_detailed(
            client=client,
            limit=limit,
            page_token=page_token,
        )
    ).parsed
