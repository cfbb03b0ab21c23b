from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.admin_change import AdminChange
from ...models.admin_user import AdminUser
from ...models.error import Error
from ...models.invalid import Invalid
from ...types import Response


def _get_kwargs(
    user_id: str,
    *,
    body: AdminChange,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/admin/users/{user_id}".format(
            user_id=quote(str(user_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AdminUser | Error | Invalid | None:
    if response.status_code == 200:
        response_200 = AdminUser.from_dict(response.json())

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

    if response.status_code == 409:
        response_409 = Error.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = Error.from_dict(response.json())

        return response_413

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
) -> Response[AdminUser | Error | Invalid]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: AdminChange,
) -> Response[AdminUser | Error | Invalid]:
    """Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user

     Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user.

    A new allowance becomes the user's ceiling. A user who has never signed in is created.

    Args:
        user_id (str):
        body (AdminChange): Any combination of the changes that an administrator can make.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AdminUser | Error | Invalid]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: AdminChange,
) -> AdminUser | Error | Invalid | None:
    """Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user

     Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user.

    A new allowance becomes the user's ceiling. A user who has never signed in is created.

    Args:
        user_id (str):
        body (AdminChange): Any combination of the changes that an administrator can make.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AdminUser | Error | Invalid
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: AdminChange,
) -> Response[AdminUser | Error | Invalid]:
    """Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user

     Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user.

    A new allowance becomes the user's ceiling. A user who has never signed in is created.

    Args:
        user_id (str):
        body (AdminChange): Any combination of the changes that an administrator can make.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AdminUser | Error | Invalid]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: AdminChange,
) -> AdminUser | Error | Invalid | None:
    """Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user

     Changes a user's monthly allowance, reset date, or remaining spend, or disables or enables the user.

    A new allowance becomes the user's ceiling. A user who has never signed in is created.

    Args:
        user_id (str):
        body (AdminChange): Any combination of the changes that an administrator can make.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AdminUser | Error | Invalid
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            body=body,
        )
    ).parsed
