from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.protected_resource import ProtectedResource
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/.well-known/oauth-protected-resource",
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Error | ProtectedResource | None:
    if response.status_code == 200:
        response_200 = ProtectedResource.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Error.from_dict(response.json())

        return response_400

    if response.status_code == 500:
        response_500 = Error.from_dict(response.json())

        return response_500

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Error | ProtectedResource]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[Error | ProtectedResource]:
    """Describes the authorization of the MCP server (RFC 9728)

     Describes the authorization of the MCP server (RFC 9728). No token is needed.

    The same document is found below `/mcp` and `/api/mcp`, as the RFC has it for a server at these
    paths.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | ProtectedResource]
    """

    kwargs = _get_kwargs()

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
) -> Error | ProtectedResource | None:
    """Describes the authorization of the MCP server (RFC 9728)

     Describes the authorization of the MCP server (RFC 9728). No token is needed.

    The same document is found below `/mcp` and `/api/mcp`, as the RFC has it for a server at these
    paths.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | ProtectedResource
    """

    return sync_detailed(
        client=client,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
) -> Response[Error | ProtectedResource]:
    """Describes the authorization of the MCP server (RFC 9728)

     Describes the authorization of the MCP server (RFC 9728). No token is needed.

    The same document is found below `/mcp` and `/api/mcp`, as the RFC has it for a server at these
    paths.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | ProtectedResource]
    """

    kwargs = _get_kwargs()

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
) -> Error | ProtectedResource | None:
    """Describes the authorization of the MCP server (RFC 9728)

     Describes the authorization of the MCP server (RFC 9728). No token is needed.

    The same document is found below `/mcp` and `/api/mcp`, as the RFC has it for a server at these
    paths.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | ProtectedResource
    """

    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
