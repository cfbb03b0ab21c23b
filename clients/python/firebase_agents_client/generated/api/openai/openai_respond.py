from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.open_ai_error import OpenAiError
from ...models.open_ai_response import OpenAiResponse
from ...models.response_request import ResponseRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ResponseRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/responses",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
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

    if response.status_code == 402:
        response_402 = OpenAiError.from_dict(response.json())

        return response_402

    if response.status_code == 403:
        response_403 = OpenAiError.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = OpenAiError.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = OpenAiError.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = OpenAiError.from_dict(response.json())

        return response_413

    if response.status_code == 429:
        response_429 = OpenAiError.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = OpenAiError.from_dict(response.json())

        return response_500

    if response.status_code == 502:
        response_502 = OpenAiError.from_dict(response.json())

        return response_502

    if response.status_code == 503:
        response_503 = OpenAiError.from_dict(response.json())

        return response_503

    if response.status_code == 504:
        response_504 = OpenAiError.from_dict(response.json())

        return response_504

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
    *,
    client: AuthenticatedClient,
    body: ResponseRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[OpenAiError | OpenAiResponse]:
    """Creates a response

     Creates a response; with `stream`, its events are sent while the model gives the answer.

    With `background`, the response is returned at once with the status `queued`, and is answered
    without the client.
    Otherwise, a client that disconnects cancels it, as with chat completions.

    Args:
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        body (ResponseRequest): The request body of `POST /v1/responses`, as OpenAI documents it,
            with the differences in
            docs/reference/openai.md. `model`: `provider/model`, or `gofannon/` and the name of a
            deployed agent.

            `truncation` and `include` have no effect. `client_metadata`, which Codex sends, is
            ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OpenAiError | OpenAiResponse]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: ResponseRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> OpenAiError | OpenAiResponse | None:
    """Creates a response

     Creates a response; with `stream`, its events are sent while the model gives the answer.

    With `background`, the response is returned at once with the status `queued`, and is answered
    without the client.
    Otherwise, a client that disconnects cancels it, as with chat completions.

    Args:
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        body (ResponseRequest): The request body of `POST /v1/responses`, as OpenAI documents it,
            with the differences in
            docs/reference/openai.md. `model`: `provider/model`, or `gofannon/` and the name of a
            deployed agent.

            `truncation` and `include` have no effect. `client_metadata`, which Codex sends, is
            ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OpenAiError | OpenAiResponse
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ResponseRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[OpenAiError | OpenAiResponse]:
    """Creates a response

     Creates a response; with `stream`, its events are sent while the model gives the answer.

    With `background`, the response is returned at once with the status `queued`, and is answered
    without the client.
    Otherwise, a client that disconnects cancels it, as with chat completions.

    Args:
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        body (ResponseRequest): The request body of `POST /v1/responses`, as OpenAI documents it,
            with the differences in
            docs/reference/openai.md. `model`: `provider/model`, or `gofannon/` and the name of a
            deployed agent.

            `truncation` and `include` have no effect. `client_metadata`, which Codex sends, is
            ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[OpenAiError | OpenAiResponse]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: ResponseRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> OpenAiError | OpenAiResponse | None:
    """Creates a response

     Creates a response; with `stream`, its events are sent while the model gives the answer.

    With `background`, the response is returned at once with the status `queued`, and is answered
    without the client.
    Otherwise, a client that disconnects cancels it, as with chat completions.

    Args:
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        body (ResponseRequest): The request body of `POST /v1/responses`, as OpenAI documents it,
            with the differences in
            docs/reference/openai.md. `model`: `provider/model`, or `gofannon/` and the name of a
            deployed agent.

            `truncation` and `include` have no effect. `client_metadata`, which Codex sends, is
            ignored.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        OpenAiError | OpenAiResponse
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
