from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.create_schedule_request import CreateScheduleRequest
from ...models.error import Error
from ...models.invalid import Invalid
from ...models.schedule import Schedule
from ...types import Response


def _get_kwargs(
    *,
    body: CreateScheduleRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/schedules",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Error | Invalid | Schedule | None:
    if response.status_code == 201:
        response_201 = Schedule.from_dict(response.json())

        return response_201

    if response.status_code == 400:
        response_400 = Error.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Error.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Error.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Error.from_dict(response.json())

        return response_404

    if response.status_code == 413:
        response_413 = Error.from_dict(response.json())

        return response_413

    if response.status_code == 422:
        response_422 = Invalid.from_dict(response.json())

        return response_422

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
) -> Response[Error | Invalid | Schedule]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateScheduleRequest,
) -> Response[Error | Invalid | Schedule]:
    """Creates a schedule: at each due time of its cron expression, a run of the agent starts

     Creates a schedule: at each due time of its cron expression, a run of the agent starts. The caller
    owns the runs.

    404 for an agent that does not exist, or belongs to another user and is not shared.

    Args:
        body (CreateScheduleRequest): The request body of `POST /schedules`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | Schedule]
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
    body: CreateScheduleRequest,
) -> Error | Invalid | Schedule | None:
    """Creates a schedule: at each due time of its cron expression, a run of the agent starts

     Creates a schedule: at each due time of its cron expression, a run of the agent starts. The caller
    owns the runs.

    404 for an agent that does not exist, or belongs to another user and is not shared.

    Args:
        body (CreateScheduleRequest): The request body of `POST /schedules`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | Schedule
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: CreateScheduleRequest,
) -> Response[Error | Invalid | Schedule]:
    """Creates a schedule: at each due time of its cron expression, a run of the agent starts

     Creates a schedule: at each due time of its cron expression, a run of the agent starts. The caller
    owns the runs.

    404 for an agent that does not exist, or belongs to another user and is not shared.

    Args:
        body (CreateScheduleRequest): The request body of `POST /schedules`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | Schedule]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: CreateScheduleRequest,
) -> Error | Invalid | Schedule | None:
    """Creates a schedule: at each due time of its cron expression, a run of the agent starts

     Creates a schedule: at each due time of its cron expression, a run of the agent starts. The caller
    owns the runs.

    404 for an agent that does not exist, or belongs to another user and is not shared.

    Args:
        body (CreateScheduleRequest): The request body of `POST /schedules`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | Schedule
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
