from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.mcp_serve_body import McpServeBody
from ...models.mcp_serve_response_200 import McpServeResponse200
from ...models.mcp_serve_response_400 import McpServeResponse400
from ...models.mcp_serve_response_404 import McpServeResponse404
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: McpServeBody,
    mcp_protocol_version: str | Unset = UNSET,
    mcp_method: str | Unset = UNSET,
    mcp_name: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(mcp_protocol_version, Unset):
        headers["Mcp-Protocol-Version"] = mcp_protocol_version

    if not isinstance(mcp_method, Unset):
        headers["Mcp-Method"] = mcp_method

    if not isinstance(mcp_name, Unset):
        headers["Mcp-Name"] = mcp_name

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/mcp",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404 | None:
    if response.status_code == 200:
        response_200 = McpServeResponse200.from_dict(response.json())

        return response_200

    if response.status_code == 202:
        response_202 = cast(Any, None)
        return response_202

    if response.status_code == 400:
        response_400 = McpServeResponse400.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Error.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = McpServeResponse404.from_dict(response.json())

        return response_404

    if response.status_code == 413:
        response_413 = Error.from_dict(response.json())

        return response_413

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
) -> Response[Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: McpServeBody,
    mcp_protocol_version: str | Unset = UNSET,
    mcp_method: str | Unset = UNSET,
    mcp_name: str | Unset = UNSET,
) -> Response[Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404]:
    """Serves MCP clients

     Serves MCP clients. The published agents that the caller sees are their tools, and a call of a tool
    is a run.

    The body is one JSON-RPC message of the Model Context Protocol, version 2026-07-28 or, with a
    handshake, an older
    one. The response is JSON, or a stream of events that ends with the result.

    Args:
        mcp_protocol_version (str | Unset):
        mcp_method (str | Unset):
        mcp_name (str | Unset):
        body (McpServeBody): A JSON-RPC message: a request, or a notification, which has no `id`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404]
    """

    kwargs = _get_kwargs(
        body=body,
        mcp_protocol_version=mcp_protocol_version,
        mcp_method=mcp_method,
        mcp_name=mcp_name,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: McpServeBody,
    mcp_protocol_version: str | Unset = UNSET,
    mcp_method: str | Unset = UNSET,
    mcp_name: str | Unset = UNSET,
) -> Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404 | None:
    """Serves MCP clients

     Serves MCP clients. The published agents that the caller sees are their tools, and a call of a tool
    is a run.

    The body is one JSON-RPC message of the Model Context Protocol, version 2026-07-28 or, with a
    handshake, an older
    one. The response is JSON, or a stream of events that ends with the result.

    Args:
        mcp_protocol_version (str | Unset):
        mcp_method (str | Unset):
        mcp_name (str | Unset):
        body (McpServeBody): A JSON-RPC message: a request, or a notification, which has no `id`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404
    """

    return sync_detailed(
        client=client,
        body=body,
        mcp_protocol_version=mcp_protocol_version,
        mcp_method=mcp_method,
        mcp_name=mcp_name,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: McpServeBody,
    mcp_protocol_version: str | Unset = UNSET,
    mcp_method: str | Unset = UNSET,
    mcp_name: str | Unset = UNSET,
) -> Response[Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404]:
    """Serves MCP clients

     Serves MCP clients. The published agents that the caller sees are their tools, and a call of a tool
    is a run.

    The body is one JSON-RPC message of the Model Context Protocol, version 2026-07-28 or, with a
    handshake, an older
    one. The response is JSON, or a stream of events that ends with the result.

    Args:
        mcp_protocol_version (str | Unset):
        mcp_method (str | Unset):
        mcp_name (str | Unset):
        body (McpServeBody): A JSON-RPC message: a request, or a notification, which has no `id`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404]
    """

    kwargs = _get_kwargs(
        body=body,
        mcp_protocol_version=mcp_protocol_version,
        mcp_method=mcp_method,
        mcp_name=mcp_name,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: McpServeBody,
    mcp_protocol_version: str | Unset = UNSET,
    mcp_method: str | Unset = UNSET,
    mcp_name: str | Unset = UNSET,
) -> Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404 | None:
    """Serves MCP clients

     Serves MCP clients. The published agents that the caller sees are their tools, and a call of a tool
    is a run.

    The body is one JSON-RPC message of the Model Context Protocol, version 2026-07-28 or, with a
    handshake, an older
    one. The response is JSON, or a stream of events that ends with the result.

    Args:
        mcp_protocol_version (str | Unset):
        mcp_method (str | Unset):
        mcp_name (str | Unset):
        body (McpServeBody): A JSON-RPC message: a request, or a notification, which has no `id`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Error | McpServeResponse200 | McpServeResponse400 | McpServeResponse404
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            mcp_protocol_version=mcp_protocol_version,
            mcp_method=mcp_method,
            mcp_name=mcp_name,
        )
    ).parsed
