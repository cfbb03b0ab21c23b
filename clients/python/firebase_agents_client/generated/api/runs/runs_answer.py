from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.answer_request import AnswerRequest
from ...models.error import Error
from ...models.invalid import Invalid
from ...models.run import Run
from ...types import Response


def _get_kwargs(
    run_id: str,
    *,
    body: AnswerRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/runs/{run_id}/answer".format(
            run_id=quote(str(run_id), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Error | Invalid | Run | None:
    if response.status_code == 200:
        response_200 = Run.from_dict(response.json())

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
) -> Response[Error | Invalid | Run]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    run_id: str,
    *,
    client: AuthenticatedClient,
    body: AnswerRequest,
) -> Response[Error | Invalid | Run]:
    """Answers a question of the run, which then continues, and returns the run

     Answers a question of the run, which then continues, and returns the run. Each question is answered
    once.

    409 if the run does not ask this, or not any more; with `Retry-After` while it is not waiting yet.
    422 if the answer
    is not one of the choices, does not fit the schema, or is larger than 64 KB.

    Args:
        run_id (str):
        body (AnswerRequest): The request body of `POST /runs/{id}/answer`. `call`: the question
            to answer, if the run asks several.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | Run]
    """

    kwargs = _get_kwargs(
        run_id=run_id,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    run_id: str,
    *,
    client: AuthenticatedClient,
    body: AnswerRequest,
) -> Error | Invalid | Run | None:
    """Answers a question of the run, which then continues, and returns the run

     Answers a question of the run, which then continues, and returns the run. Each question is answered
    once.

    409 if the run does not ask this, or not any more; with `Retry-After` while it is not waiting yet.
    422 if the answer
    is not one of the choices, does not fit the schema, or is larger than 64 KB.

    Args:
        run_id (str):
        body (AnswerRequest): The request body of `POST /runs/{id}/answer`. `call`: the question
            to answer, if the run asks several.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | Run
    """

    return sync_detailed(
        run_id=run_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    run_id: str,
    *,
    client: AuthenticatedClient,
    body: AnswerRequest,
) -> Response[Error | Invalid | Run]:
    """Answers a question of the run, which then continues, and returns the run

     Answers a question of the run, which then continues, and returns the run. Each question is answered
    once.

    409 if the run does not ask this, or not any more; with `Retry-After` while it is not waiting yet.
    422 if the answer
    is not one of the choices, does not fit the schema, or is larger than 64 KB.

    Args:
        run_id (str):
        body (AnswerRequest): The request body of `POST /runs/{id}/answer`. `call`: the question
            to answer, if the run asks several.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Error | Invalid | Run]
    """

    kwargs = _get_kwargs(
        run_id=run_id,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    run_id: str,
    *,
    client: AuthenticatedClient,
    body: AnswerRequest,
) -> Error | Invalid | Run | None:
    """Answers a question of the run, which then continues, and returns the run

     Answers a question of the run, which then continues, and returns the run. Each question is answered
    once.

    409 if the run does not ask this, or not any more; with `Retry-After` while it is not waiting yet.
    422 if the answer
    is not one of the choices, does not fit the schema, or is larger than 64 KB.

    Args:
        run_id (str):
        body (AnswerRequest): The request body of `POST /runs/{id}/answer`. `call`: the question
            to answer, if the run asks several.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Error | Invalid | Run
    """

    return (
        await asyncio_detailed(
            run_id=run_id,
            client=client,
            body=body,
        )
    ).parsed
