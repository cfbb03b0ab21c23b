from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.input_items import InputItems
from ...models.open_ai_error import OpenAiError
from ...models.openai_input_items_order import (
    OpenaiInputItemsOrder,
)
from ...types import UNSET, Response, Unset


def _get_kwargs(
    response_id: str,
    *,
    limit: int | Unset = 20,
    order: OpenaiInputItemsOrder | Unset = "desc",
    after: None | str | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    json_order: str | Unset = UNSET
    if not isinstance(order, Unset):
        json_order = order

    params["order"] = json_order

    json_after: None | str | Unset
    if isinstance(after, Unset):
        json_after = UNSET
    else:
        json_after = after
    params["after"] = json_after

    json_include: list[str] | None | Unset
    if isinstance(include, Unset):
        json_include = UNSET
    elif isinstance(include, list):
        json_include = include

    else:
        json_include = include
    params["include"] = json_include

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/responses/{response_id}/input_items".format(
            response_id=quote(str(response_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> InputItems | OpenAiError | None:
    if response.status_code == 200:
        response_200 = InputItems.from_dict(response.json())

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
) -> Response[InputItems | OpenAiError]:
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
    limit: int | Unset = 20,
    order: OpenaiInputItemsOrder | Unset = "desc",
    after: None | str | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
) -> Response[InputItems | OpenAiError]:
    """Lists the items of a response's input, and of the responses before it, without instructions

     Lists the items of a response's input, and of the responses before it, without instructions.

    Args:
        response_id (str):
        limit (int | Unset):  Default: 20.
        order (OpenaiInputItemsOrder | Unset):  Default: 'desc'.
        after (None | str | Unset): The id of the last item of the page before.
        include (list[str] | None | Unset): Ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InputItems | OpenAiError]
    """

    kwargs = _get_kwargs(
        response_id=response_id,
        limit=limit,
        order=order,
        after=after,
        include=include,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    response_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    order: OpenaiInputItemsOrder | Unset = "desc",
    after: None | str | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
) -> InputItems | OpenAiError | None:
    """Lists the items of a response's input, and of the responses before it, without instructions

     Lists the items of a response's input, and of the responses before it, without instructions.

    Args:
        response_id (str):
        limit (int | Unset):  Default: 20.
        order (OpenaiInputItemsOrder | Unset):  Default: 'desc'.
        after (None | str | Unset): The id of the last item of the page before.
        include (list[str] | None | Unset): Ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InputItems | OpenAiError
    """

    return sync_detailed(
        response_id=response_id,
        client=client,
        limit=limit,
        order=order,
        after=after,
        include=include,
    ).parsed


async def asyncio_detailed(
    response_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    order: OpenaiInputItemsOrder | Unset = "desc",
    after: None | str | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
) -> Response[InputItems | OpenAiError]:
    """Lists the items of a response's input, and of the responses before it, without instructions

     Lists the items of a response's input, and of the responses before it, without instructions.

    Args:
        response_id (str):
        limit (int | Unset):  Default: 20.
        order (OpenaiInputItemsOrder | Unset):  Default: 'desc'.
        after (None | str | Unset): The id of the last item of the page before.
        include (list[str] | None | Unset): Ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InputItems | OpenAiError]
    """

    kwargs = _get_kwargs(
        response_id=response_id,
        limit=limit,
        order=order,
        after=after,
        include=include,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    response_id: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    order: OpenaiInputItemsOrder | Unset = "desc",
    after: None | str | Unset = UNSET,
    include: list[str] | None | Unset = UNSET,
) -> InputItems | OpenAiError | None:
    """Lists the items of a response's input, and of the responses before it, without instructions

     Lists the items of a response's input, and of the responses before it, without instructions.

    Args:
        response_id (str):
        limit (int | Unset):  Default: 20.
        order (OpenaiInputItemsOrder | Unset):  Default: 'desc'.
        after (None | str | Unset): The id of the last item of the page before.
        include (list[str] | None | Unset): Ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InputItems | OpenAiError
    """

    return (
        await asyncio_detailed(
            response_id=response_id,
            client=client,
            limit=limit,
            order=order,
            after=after,
            include=include,
        )
    ).parsed
