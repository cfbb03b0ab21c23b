from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.demo import Demo
from ...models.error import Error
from ...models.invalid import Invalid
from ...models.replace_demo_request import ReplaceDemoRequest
from ...types import Response


def _get_kwargs(
    demo_id: str,
    *,
    body: ReplaceDemoRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/demos/{demo_id}".format(
            demo_id=quote(str(demo_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Demo | Error | Invalid | None:
    if response.status_code == 200:
        response_200 = Demo.from_dict(response.json())

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
) -> Response[Demo | Error | Invalid]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    demo_id: str,
    *,
    client: AuthenticatedClient,
    body: ReplaceDemoRequest,
) -> Response[Demo | Error | Invalid]:
    """Replaces a demo

     Replaces a demo. 409 for a `_rev` that is not the newest.

    Args:
        demo_id (str):
        body (ReplaceDemoRequest): The request body of `PUT /demos/{id}`: the whole demo. If
            `visibility` is not sent, it does not change.

            `rev`: the revision that the change is based on; it is refused if the demo has changed
            since.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Demo | Error | Invalid]
    """

    kwargs = _get_kwargs(
        demo_id=demo_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    demo_id: str,
    *,
    client: AuthenticatedClient,
    body: ReplaceDemoRequest,
) -> Demo | Error | Invalid | None:
    """Replaces a demo

     Replaces a demo. 409 for a `_rev` that is not the newest.

    Args:
        demo_id (str):
        body (ReplaceDemoRequest): The request body of `PUT /demos/{id}`: the whole demo. If
            `visibility` is not sent, it does not change.

            `rev`: the revision that the change is based on; it is refused if the demo has changed
            since.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Demo | Error | Invalid
    """

    return sync_detailed(
        demo_id=demo_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    demo_id: str,
    *,
    client: AuthenticatedClient,
    body: ReplaceDemoRequest,
) -> Response[Demo | Error | Invalid]:
    """Replaces a demo

     Replaces a demo. 409 for a `_rev` that is not the newest.

    Args:
        demo_id (str):
        body (ReplaceDemoRequest): The request body of `PUT /demos/{id}`: the whole demo. If
            `visibility` is not sent, it does not change.

            `rev`: the revision that the change is based on; it is refused if the demo has changed
            since.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Demo | Error | Invalid]
    """

    kwargs = _get_kwargs(
        demo_id=demo_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    demo_id: str,
    *,
    client: AuthenticatedClient,
    body: ReplaceDemoRequest,
) -> Demo | Error | Invalid | None:
    """Replaces a demo

     Replaces a demo. 409 for a `_rev` that is not the newest.

    Args:
        demo_id (str):
        body (ReplaceDemoRequest): The request body of `PUT /demos/{id}`: the whole demo. If
            `visibility` is not sent, it does not change.

            `rev`: the revision that the change is based on; it is refused if the demo has changed
            since.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Demo | Error | Invalid
    """

    return (
        await asyncio_detailed(
            demo_id=demo_id,
            client=client,
            body=body,
        )
    ).parsed
