from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.invalid import Invalid
from ...models.start_run_request import StartRunRequest
from ...models.started_run import StartedRun
from ...models.unknown_outcome import UnknownOutcome
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: StartRunRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/runs",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Error | Invalid | StartedRun | UnknownOutcome | None:
    if response.status_code == 200:
        response_200 = StartedRun.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Error.from_dict(response.json())

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
        response_503 = UnknownOutcome.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Error | Invalid | StartedRun | UnknownOutcome]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: StartRunRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[Error | Invalid | StartedRun | UnknownOutcome]:
    """Starts a run of an agent, and responds once the run can no longer be lost

     Starts a run of an agent, and responds once the run can no longer be lost.

    For 24 hours, the same request with the same `Idempotency-Key` gets the same run. Another one with
    this key gets
    409.

    Args:
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        body (StartRunRequest): The request body of `POST /runs`: one of `agentId` and
            `friendlyName`, and the agent's `input`.

            `webhook`: the id of a webhook that is notified of this run even if it does not subscribe
            to the event.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | StartedRun | UnknownOutcome]
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
    body: StartRunRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> Error | Invalid | StartedRun | UnknownOutcome | None:
    """Starts a run of an agent, and responds once the run can no longer be lost

     Starts a run of an agent, and responds once the run can no longer be lost.

    For 24 hours, the same request with the same `Idempotency-Key` gets the same run. Another one with
    this key gets
    409.

    Args:
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        body (StartRunRequest): The request body of `POST /runs`: one of `agentId` and
            `friendlyName`, and the agent's `input`.

            `webhook`: the id of a webhook that is notified of this run even if it does not subscribe
            to the event.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | StartedRun | UnknownOutcome
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: StartRunRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> Response[Error | Invalid | StartedRun | UnknownOutcome]:
    """Starts a run of an agent, and responds once the run can no longer be lost

     Starts a run of an agent, and responds once the run can no longer be lost.

    For 24 hours, the same request with the same `Idempotency-Key` gets the same run. Another one with
    this key gets
    409.

    Args:
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        body (StartRunRequest): The request body of `POST /runs`: one of `agentId` and
            `friendlyName`, and the agent's `input`.

            `webhook`: the id of a webhook that is notified of this run even if it does not subscribe
            to the event.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | StartedRun | UnknownOutcome]
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
    body: StartRunRequest,
    idempotency_key: None | str | Unset = UNSET,
) -> Error | Invalid | StartedRun | UnknownOutcome | None:
    """Starts a run of an agent, and responds once the run can no longer be lost

     Starts a run of an agent, and responds once the run can no longer be lost.

    For 24 hours, the same request with the same `Idempotency-Key` gets the same run. Another one with
    this key gets
    409.

    Args:
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        body (StartRunRequest): The request body of `POST /runs`: one of `agentId` and
            `friendlyName`, and the agent's `input`.

            `webhook`: the id of a webhook that is notified of this run even if it does not subscribe
            to the event.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | StartedRun | UnknownOutcome
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
