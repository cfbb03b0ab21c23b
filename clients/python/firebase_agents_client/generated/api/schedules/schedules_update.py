from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error import Error
from ...models.invalid import Invalid
from ...models.schedule import Schedule
from ...models.update_schedule_request import UpdateScheduleRequest
from ...types import Response


def _get_kwargs(
    schedule_id: str,
    *,
    body: UpdateScheduleRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/schedules/{schedule_id}".format(
            schedule_id=quote(str(schedule_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Error | Invalid | Schedule | None:
    if response.status_code == 200:
        response_200 = Schedule.from_dict(response.json())

        return response_200

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

    if response.status_code == 409:
        response_409 = Error.from_dict(response.json())

        return response_409

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
    schedule_id: str,
    *,
    client: AuthenticatedClient,
    body: UpdateScheduleRequest,
) -> Response[Error | Invalid | Schedule]:
    """Changes the fields that are sent

     Changes the fields that are sent. 409 for a `_rev` that is not the newest.

    A due time that has passed when `cron`, `timezone` or `enabled` changes makes no run any more.

    Args:
        schedule_id (str):
        body (UpdateScheduleRequest): The request body of `PUT /schedules/{id}`: only the fields
            that are sent change.

            `rev`: the revision that the change is based on; it is refused if the schedule has been
            changed since.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | Schedule]
    """

    kwargs = _get_kwargs(
        schedule_id=schedule_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    schedule_id: str,
    *,
    client: AuthenticatedClient,
    body: UpdateScheduleRequest,
) -> Error | Invalid | Schedule | None:
    """Changes the fields that are sent

     Changes the fields that are sent. 409 for a `_rev` that is not the newest.

    A due time that has passed when `cron`, `timezone` or `enabled` changes makes no run any more.

    Args:
        schedule_id (str):
        body (UpdateScheduleRequest): The request body of `PUT /schedules/{id}`: only the fields
            that are sent change.

            `rev`: the revision that the change is based on; it is refused if the schedule has been
            changed since.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | Schedule
    """

    return sync_detailed(
        schedule_id=schedule_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    schedule_id: str,
    *,
    client: AuthenticatedClient,
    body: UpdateScheduleRequest,
) -> Response[Error | Invalid | Schedule]:
    """Changes the fields that are sent

     Changes the fields that are sent. 409 for a `_rev` that is not the newest.

    A due time that has passed when `cron`, `timezone` or `enabled` changes makes no run any more.

    Args:
        schedule_id (str):
        body (UpdateScheduleRequest): The request body of `PUT /schedules/{id}`: only the fields
            that are sent change.

            `rev`: the revision that the change is based on; it is refused if the schedule has been
            changed since.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | Schedule]
    """

    kwargs = _get_kwargs(
        schedule_id=schedule_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    schedule_id: str,
    *,
    client: AuthenticatedClient,
    body: UpdateScheduleRequest,
) -> Error | Invalid | Schedule | None:
    """Changes the fields that are sent

     Changes the fields that are sent. 409 for a `_rev` that is not the newest.

    A due time that has passed when `cron`, `timezone` or `enabled` changes makes no run any more.

    Args:
        schedule_id (str):
        body (UpdateScheduleRequest): The request body of `PUT /schedules/{id}`: only the fields
            that are sent change.

            `rev`: the revision that the change is based on; it is refused if the schedule has been
            changed since.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | Schedule
    """

    return (
        await asyncio_detailed(
            schedule_id=schedule_id,
            client=client,
            body=body,
        )
    ).parsed
