from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.failed_code import FailedCode
from ...models.invalid import Invalid
from ...models.run_code_request import RunCodeRequest
from ...models.run_code_response import RunCodeResponse
from ...types import Response


def _get_kwargs(
    *,
    body: RunCodeRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/agents/run-code",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Error | FailedCode | Invalid | RunCodeResponse | None:
    if response.status_code == 200:
        response_200 = RunCodeResponse.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = FailedCode.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())

        return response_401

    if response.status_code == 402:
        response_402 = Error.from_dict(response.json())

        return response_402

    if response.status_code == 403:
        response_403 = Error.from_dict(response.json())

        return response_403

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
) -> Response[Error | FailedCode | Invalid | RunCodeResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: RunCodeRequest,
) -> Response[Error | FailedCode | Invalid | RunCodeResponse]:
    """Runs code in the sandbox, charged to the caller

     Runs code in the sandbox, charged to the caller. If the code fails: 400 with its error, logs and
    traceback.

    Args:
        body (RunCodeRequest): The request body of `POST /agents/run-code`: code, which need not
            be saved, and the resources it may use.

            `invokable_models`: the models that it may call; empty means all of them.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | FailedCode | Invalid | RunCodeResponse]
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
    body: RunCodeRequest,
) -> Error | FailedCode | Invalid | RunCodeResponse | None:
    """Runs code in the sandbox, charged to the caller

     Runs code in the sandbox, charged to the caller. If the code fails: 400 with its error, logs and
    traceback.

    Args:
        body (RunCodeRequest): The request body of `POST /agents/run-code`: code, which need not
            be saved, and the resources it may use.

            `invokable_models`: the models that it may call; empty means all of them.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | FailedCode | Invalid | RunCodeResponse
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: RunCodeRequest,
) -> Response[Error | FailedCode | Invalid | RunCodeResponse]:
    """Runs code in the sandbox, charged to the caller

     Runs code in the sandbox, charged to the caller. If the code fails: 400 with its error, logs and
    traceback.

    Args:
        body (RunCodeRequest): The request body of `POST /agents/run-code`: code, which need not
            be saved, and the resources it may use.

            `invokable_models`: the models that it may call; empty means all of them.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | FailedCode | Invalid | RunCodeResponse]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: RunCodeRequest,
) -> Error | FailedCode | Invalid | RunCodeResponse | None:
    """Runs code in the sandbox, charged to the caller

     Runs code in the sandbox, charged to the caller. If the code fails: 400 with its error, logs and
    traceback.

    Args:
        body (RunCodeRequest): The request body of `POST /agents/run-code`: code, which need not
            be saved, and the resources it may use.

            `invokable_models`: the models that it may call; empty means all of them.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | FailedCode | Invalid | RunCodeResponse
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
