from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.model_info import ModelInfo
from ...types import Response


def _get_kwargs(
    provider: str,
    model: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/providers/{provider}/models/{model}".format(
            provider=quote(str(provider), safe=""),
            model=quote(str(model), safe=""),
        ),
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Error | ModelInfo | None:
    if response.status_code == 200:
        response_200 = ModelInfo.from_dict(response.json())

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Error | ModelInfo]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    provider: str,
    model: str,
    *,
    client: AuthenticatedClient,
) -> Response[Error | ModelInfo]:
    """Returns one model

     Returns one model. Slugs may contain slashes, like OpenRouter's.

    Args:
        provider (str):
        model (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | ModelInfo]
    """

    kwargs = _get_kwargs(
        provider=provider,
        model=model,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    provider: str,
    model: str,
    *,
    client: AuthenticatedClient,
) -> Error | ModelInfo | None:
    """Returns one model

     Returns one model. Slugs may contain slashes, like OpenRouter's.

    Args:
        provider (str):
        model (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | ModelInfo
    """

    return sync_detailed(
        provider=provider,
        model=model,
        client=client,
    ).parsed


async def asyncio_detailed(
    provider: str,
    model: str,
    *,
    client: AuthenticatedClient,
) -> Response[Error | ModelInfo]:
    """Returns one model

     Returns one model. Slugs may contain slashes, like OpenRouter's.

    Args:
        provider (str):
        model (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | ModelInfo]
    """

    kwargs = _get_kwargs(
        provider=provider,
        model=model,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    provider: str,
    model: str,
    *,
    client: AuthenticatedClient,
) -> Error | ModelInfo | None:
    """Returns one model

     Returns one model. Slugs may contain slashes, like OpenRouter's.

    Args:
        provider (str):
        model (str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | ModelInfo
    """

    return (
        await asyncio_detailed(
            provider=provider,
            model=model,
            client=client,
        )
    ).parsed
