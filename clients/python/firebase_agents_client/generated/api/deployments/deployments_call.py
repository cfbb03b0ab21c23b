from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.deployments_call_body import DeploymentsCallBody
from ...models.error import Error
from ...models.failed_run import FailedRun
from ...models.invalid import Invalid
from ...models.started_run import StartedRun
from ...types import UNSET, Response, Unset


def _get_kwargs(
    friendly_name: str,
    *,
    body: DeploymentsCallBody,
    idempotency_key: None | str | Unset = UNSET,
    prefer: None | str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    if not isinstance(prefer, Unset):
        headers["Prefer"] = prefer

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/rest/{friendly_name}".format(
            friendly_name=quote(str(friendly_name), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Error | FailedRun | Invalid | StartedRun | None:
    if response.status_code == 200:
        response_200 = response.json()
        return response_200

    if response.status_code == 202:
        response_202 = StartedRun.from_dict(response.json())

        return response_202

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
        response_500 = FailedRun.from_dict(response.json())

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
) -> Response[Any | Error | FailedRun | Invalid | StartedRun]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    friendly_name: str,
    *,
    client: AuthenticatedClient,
    body: DeploymentsCallBody,
    idempotency_key: None | str | Unset = UNSET,
    prefer: None | str | Unset = UNSET,
) -> Response[Any | Error | FailedRun | Invalid | StartedRun]:
    """Runs a published agent

     Runs a published agent. The request body is its input, the response body its result.

    A public agent needs no token and ignores any, and its owner is charged. For other agents, the
    caller must be
    allowed to call it, and is charged if its owner has decided so: 401 without a valid token, 403 or
    404 for a caller
    who may not call it.

    For 24 hours, the same input from the same user, or from the same address for a public agent, with
    the same
    `Idempotency-Key` is run only once, and gets the same result. 409 for another input with this key,
    and, with a
    `Retry-After`, while the first request is running.

    With `Prefer: respond-async`, the response is 202 as soon as the run can no longer be lost, and
    `Location` leads to
    the run (`GET /runs/{run_id}`). Such a run may last long. Its keys are separate from those of other
    calls.

    Args:
        friendly_name (str):
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        prefer (None | str | Unset): With `respond-async`, the response is 202, and the run
            continues after it.
        body (DeploymentsCallBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Error | FailedRun | Invalid | StartedRun]
    """

    kwargs = _get_kwargs(
        friendly_name=friendly_name,
        body=body,
        idempotency_key=idempotency_key,
        prefer=prefer,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    friendly_name: str,
    *,
    client: AuthenticatedClient,
    body: DeploymentsCallBody,
    idempotency_key: None | str | Unset = UNSET,
    prefer: None | str | Unset = UNSET,
) -> Any | Error | FailedRun | Invalid | StartedRun | None:
    """Runs a published agent

     Runs a published agent. The request body is its input, the response body its result.

    A public agent needs no token and ignores any, and its owner is charged. For other agents, the
    caller must be
    allowed to call it, and is charged if its owner has decided so: 401 without a valid token, 403 or
    404 for a caller
    who may not call it.

    For 24 hours, the same input from the same user, or from the same address for a public agent, with
    the same
    `Idempotency-Key` is run only once, and gets the same result. 409 for another input with this key,
    and, with a
    `Retry-After`, while the first request is running.

    With `Prefer: respond-async`, the response is 202 as soon as the run can no longer be lost, and
    `Location` leads to
    the run (`GET /runs/{run_id}`). Such a run may last long. Its keys are separate from those of other
    calls.

    Args:
        friendly_name (str):
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        prefer (None | str | Unset): With `respond-async`, the response is 202, and the run
            continues after it.
        body (DeploymentsCallBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Error | FailedRun | Invalid | StartedRun
    """

    return sync_detailed(
        friendly_name=friendly_name,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
        prefer=prefer,
    ).parsed


async def asyncio_detailed(
    friendly_name: str,
    *,
    client: AuthenticatedClient,
    body: DeploymentsCallBody,
    idempotency_key: None | str | Unset = UNSET,
    prefer: None | str | Unset = UNSET,
) -> Response[Any | Error | FailedRun | Invalid | StartedRun]:
    """Runs a published agent

     Runs a published agent. The request body is its input, the response body its result.

    A public agent needs no token and ignores any, and its owner is charged. For other agents, the
    caller must be
    allowed to call it, and is charged if its owner has decided so: 401 without a valid token, 403 or
    404 for a caller
    who may not call it.

    For 24 hours, the same input from the same user, or from the same address for a public agent, with
    the same
    `Idempotency-Key` is run only once, and gets the same result. 409 for another input with this key,
    and, with a
    `Retry-After`, while the first request is running.

    With `Prefer: respond-async`, the response is 202 as soon as the run can no longer be lost, and
    `Location` leads to
    the run (`GET /runs/{run_id}`). Such a run may last long. Its keys are separate from those of other
    calls.

    Args:
        friendly_name (str):
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        prefer (None | str | Unset): With `respond-async`, the response is 202, and the run
            continues after it.
        body (DeploymentsCallBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Error | FailedRun | Invalid | StartedRun]
    """

    kwargs = _get_kwargs(
        friendly_name=friendly_name,
        body=body,
        idempotency_key=idempotency_key,
        prefer=prefer,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    friendly_name: str,
    *,
    client: AuthenticatedClient,
    body: DeploymentsCallBody,
    idempotency_key: None | str | Unset = UNSET,
    prefer: None | str | Unset = UNSET,
) -> Any | Error | FailedRun | Invalid | StartedRun | None:
    """Runs a published agent

     Runs a published agent. The request body is its input, the response body its result.

    A public agent needs no token and ignores any, and its owner is charged. For other agents, the
    caller must be
    allowed to call it, and is charged if its owner has decided so: 401 without a valid token, 403 or
    404 for a caller
    who may not call it.

    For 24 hours, the same input from the same user, or from the same address for a public agent, with
    the same
    `Idempotency-Key` is run only once, and gets the same result. 409 for another input with this key,
    and, with a
    `Retry-After`, while the first request is running.

    With `Prefer: respond-async`, the response is 202 as soon as the run can no longer be lost, and
    `Location` leads to
    the run (`GET /runs/{run_id}`). Such a run may last long. Its keys are separate from those of other
    calls.

    Args:
        friendly_name (str):
        idempotency_key (None | str | Unset): Identifies the request for 24 hours. A request that
            is repeated with the same key takes effect only once. A UUID is a good choice.
        prefer (None | str | Unset): With `respond-async`, the response is 202, and the run
            continues after it.
        body (DeploymentsCallBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Error | FailedRun | Invalid | StartedRun
    """

    return (
        await asyncio_detailed(
            friendly_name=friendly_name,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
            prefer=prefer,
        )
    ).parsed
