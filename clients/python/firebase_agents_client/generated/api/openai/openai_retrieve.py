from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.open_ai_error import OpenAiError
from ...models.open_ai_response import OpenAiResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    response_id: str,
    *,
    stream: bool | Unset = False,
    starting_after: int | None | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
    include_obfuscation: bool | Unset = False,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["stream"] = stream

    json_starting_after: int | None | Unset
    if isinstance(starting_after, Unset):
        json_starting_after = UNSET
    else:
        json_starting_after = starting_after
    params["starting_after"] = json_starting_after

    json_include: list[str] | None | Unset
    if isinstance(include, Unset):
        json_include = UNSET
    elif isinstance(include, list):
        json_include = include

    else:
        json_include = include
    params["include"] = json_include

    params["include_obfuscation"] = include_obfuscation

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/responses/{response_id}".format(
            response_id=quote(str(response_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> OpenAiError | OpenAiResponse | None:
    if response.status_code == 200:
        response_200 = OpenAiResponse.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = OpenAiError.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = OpenAiError.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = OpenAiError.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = OpenAiError.from_dict(response.json())

        return response_404

    if response.status_code == 429:
        response_429 = OpenAiError.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = OpenAiError.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = OpenAiError.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[OpenAiError | OpenAiResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    response_id: str,
    *,
    client: AuthenticatedClient,
    stream: bool | Unset = False,
    starting_after: int | None | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
    include_obfuscation: bool | Unset = False,
) -> Response[OpenAiError | OpenAiResponse]:
    """Returns a response as it is now

     Returns a response as it is now; with `stream`, its events from the beginning, or after a number.

    Args:
        response_id (str):
        stream (bool | Unset):  Default: False.
        starting_after (int | None | Unset): The last `sequence_number` that the client has.
        include (list[str] | None | Unset): Ignored.
        include_obfuscation (bool | Unset): Ignored. Default: False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OpenAiError | OpenAiResponse]
    """

    kwargs = _get_kwargs(
        response_id=response_id,
        stream=stream,
        starting_after=starting_after,
        include=include,
        include_obfuscation=include_obfuscation,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    response_id: str,
    *,
    client: AuthenticatedClient,
    stream: bool | Unset = False,
    starting_after: int | None | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
    include_obfuscation: bool | Unset = False,
) -> OpenAiError | OpenAiResponse | None:
    """Returns a response as it is now

     Returns a response as it is now; with `stream`, its events from the beginning, or after a number.

    Args:
        response_id (str):
        stream (bool | Unset):  Default: False.
        starting_after (int | None | Unset): The last `sequence_number` that the client has.
        include (list[str] | None | Unset): Ignored.
        include_obfuscation (bool | Unset): Ignored. Default: False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OpenAiError | OpenAiResponse
    """

    return sync_detailed(
        response_id=response_id,
        client=client,
        stream=stream,
        starting_after=starting_after,
        include=include,
        include_obfuscation=include_obfuscation,
    ).parsed


async def asyncio_detailed(
    response_id: str,
    *,
    client: AuthenticatedClient,
    stream: bool | Unset = False,
    starting_after: int | None | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
    include_obfuscation: bool | Unset = False,
) -> Response[OpenAiError | OpenAiResponse]:
    """Returns a response as it is now

     Returns a response as it is now; with `stream`, its events from the beginning, or after a number.

    Args:
        response_id (str):
        stream (bool | Unset):  Default: False.
        starting_after (int | None | Unset): The last `sequence_number` that the client has.
        include (list[str] | None | Unset): Ignored.
        include_obfuscation (bool | Unset): Ignored. Default: False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OpenAiError | OpenAiResponse]
    """

    kwargs = _get_kwargs(
        response_id=response_id,
        stream=stream,
        starting_after=starting_after,
        include=include,
        include_obfuscation=include_obfuscation,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    response_id: str,
    *,
    client: AuthenticatedClient,
    stream: bool | Unset = False,
    starting_after: int | None | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
    include_obfuscation: bool | Unset = False,
) -> OpenAiError | OpenAiResponse | None:
    """Returns a response as it is now

     Returns a response as it is now; with `stream`, its events from the beginning, or after a number.

    Args:
        response_id (str):
        stream (bool | Unset):  Default: False.
        starting_after (int | None | Unset): The last `sequence_number` that the client has.
        include (list[str] | None | Unset): Ignored.
        include_obfuscation (bool | Unset): Ignored. Default: False.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OpenAiError | OpenAiResponse
    """

    return (
        await asyncio_detailed(
            response_id=response_id,
            client=client,
            stream=stream,
            starting_after=starting_after,
            include=include,
            include_obfuscation=include_obfuscation,
        )
    ).parsed
