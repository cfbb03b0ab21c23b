from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.deploy_request import DeployRequest
from ...models.deployed import Deployed
from ...models.error import Error
from ...models.invalid import Invalid
from ...types import UNSET, Response, Unset


def _get_kwargs(
    agent_id: str,
    *,
    body: DeployRequest | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/agents/{agent_id}/deploy".format(
            agent_id=quote(str(agent_id), safe=""),
        ),
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Deployed | Error | Invalid | None:
    if response.status_code == 201:
        response_201 = Deployed.from_dict(response.json())

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
) -> Response[Deployed | Error | Invalid]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    agent_id: str,
    *,
    client: AuthenticatedClient,
    body: DeployRequest | Unset = UNSET,
) -> Response[Deployed | Error | Invalid]:
    """Publishes the agent under its friendly name

     Publishes the agent under its friendly name. 409 if another agent has this name.

    The body says who may call the agent, who pays, and how much that may be. By default, everyone may
    call it, and its
    owner pays; then `warnings` says so. If the agent is already published, the response is also 201,
    and only what the
    body has changes.

    Args:
        agent_id (str):
        body (DeployRequest | Unset): The optional request body of `POST /agents/{id}/deploy`.
            What is null or missing does not change.

            `access`: who may call the agent by its name. `public` means everyone; `signed-in` means
            every user, with an ID
            token or an API key; `key` means users who can see the agent, with an API key, and its
            owner. `payer`: who pays for
            calls of `POST /rest/{friendly_name}`; `caller` requires an `access` other than `public`.
            `ratePerMinute`: how often
            each user, or each address without a user, may call the agent. `budgetPerDay`: US dollars
            that all calls for which
            the owner pays may together spend per UTC day. A new deployment is public and paid by the
            owner, with the service's
            default limits.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Deployed | Error | Invalid]
    """

    kwargs = _get_kwargs(
        agent_id=agent_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    agent_id: str,
    *,
    client: AuthenticatedClient,
    body: DeployRequest | Unset = UNSET,
) -> Deployed | Error | Invalid | None:
    """Publishes the agent under its friendly name

     Publishes the agent under its friendly name. 409 if another agent has this name.

    The body says who may call the agent, who pays, and how much that may be. By default, everyone may
    call it, and its
    owner pays; then `warnings` says so. If the agent is already published, the response is also 201,
    and only what the
    body has changes.

    Args:
        agent_id (str):
        body (DeployRequest | Unset): The optional request body of `POST /agents/{id}/deploy`.
            What is null or missing does not change.

            `access`: who may call the agent by its name. `public` means everyone; `signed-in` means
            every user, with an ID
            token or an API key; `key` means users who can see the agent, with an API key, and its
            owner. `payer`: who pays for
            calls of `POST /rest/{friendly_name}`; `caller` requires an `access` other than `public`.
            `ratePerMinute`: how often
            each user, or each address without a user, may call the agent. `budgetPerDay`: US dollars
            that all calls for which
            the owner pays may together spend per UTC day. A new deployment is public and paid by the
            owner, with the service's
            default limits.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Deployed | Error | Invalid
    """

    return sync_detailed(
        agent_id=agent_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    agent_id: str,
    *,
    client: AuthenticatedClient,
    body: DeployRequest | Unset = UNSET,
) -> Response[Deployed | Error | Invalid]:
    """Publishes the agent under its friendly name

     Publishes the agent under its friendly name. 409 if another agent has this name.

    The body says who may call the agent, who pays, and how much that may be. By default, everyone may
    call it, and its
    owner pays; then `warnings` says so. If the agent is already published, the response is also 201,
    and only what the
    body has changes.

    Args:
        agent_id (str):
        body (DeployRequest | Unset): The optional request body of `POST /agents/{id}/deploy`.
            What is null or missing does not change.

            `access`: who may call the agent by its name. `public` means everyone; `signed-in` means
            every user, with an ID
            token or an API key; `key` means users who can see the agent, with an API key, and its
            owner. `payer`: who pays for
            calls of `POST /rest/{friendly_name}`; `caller` requires an `access` other than `public`.
            `ratePerMinute`: how often
            each user, or each address without a user, may call the agent. `budgetPerDay`: US dollars
            that all calls for which
            the owner pays may together spend per UTC day. A new deployment is public and paid by the
            owner, with the service's
            default limits.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Deployed | Error | Invalid]
    """

    kwargs = _get_kwargs(
        agent_id=agent_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    agent_id: str,
    *,
    client: AuthenticatedClient,
    body: DeployRequest | Unset = UNSET,
) -> Deployed | Error | Invalid | None:
    """Publishes the agent under its friendly name

     Publishes the agent under its friendly name. 409 if another agent has this name.

    The body says who may call the agent, who pays, and how much that may be. By default, everyone may
    call it, and its
    owner pays; then `warnings` says so. If the agent is already published, the response is also 201,
    and only what the
    body has changes.

    Args:
        agent_id (str):
        body (DeployRequest | Unset): The optional request body of `POST /agents/{id}/deploy`.
            What is null or missing does not change.

            `access`: who may call the agent by its name. `public` means everyone; `signed-in` means
            every user, with an ID
            token or an API key; `key` means users who can see the agent, with an API key, and its
            owner. `payer`: who pays for
            calls of `POST /rest/{friendly_name}`; `caller` requires an `access` other than `public`.
            `ratePerMinute`: how often
            each user, or each address without a user, may call the agent. `budgetPerDay`: US dollars
            that all calls for which
            the owner pays may together spend per UTC day. A new deployment is public and paid by the
            owner, with the service's
            default limits.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Deployed | Error | Invalid
    """

    return (
        await asyncio_detailed(
            agent_id=agent_id,
            client=client,
            body=body,
        )
    ).parsed
