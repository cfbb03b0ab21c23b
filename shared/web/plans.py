"""Prepares the handling of a route: which dependencies to call, in which order, and how to parse and respond.

FastAPI finds this out anew for each request, which takes longer than all other work of a simple route. A plan does the
same work from FastAPI's own description of the route, with its functions for parameters, bodies and responses. A route
that needs more than plans support, such as a dependency with `yield`, has no plan; FastAPI handles it.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import Message as MimeMessage
from typing import Any, cast

from fastapi import Request, Response
from fastapi._compat import ModelField, Undefined
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.params import Form
from fastapi.responses import JSONResponse
from fastapi.routing import RouteContext
from fastapi.utils import is_body_allowed_for_status_code
from starlette.exceptions import HTTPException

from shared.models.errors import ServiceError

Call = Callable[..., Awaitable[Any]]
_JSON = "application/json"


class _Unsupported(Exception):
    """The route needs something that plans do not support."""


@dataclass(frozen=True)
class _Arguments:
    """The arguments of a call. `results`: parameters and the numbers of the calls that return their values.

    `request` and `response`: the parameters that take these objects.
    """

    results: tuple[tuple[str, int], ...]
    request: tuple[str, ...]
    response: str | None

    def collect(self, results: list[Any], request: Request, response: Response | None) -> dict[str, Any]:
        """Returns the arguments by name."""
        arguments = {name: results[number] for name, number in self.results}
        for name in self.request:
            arguments[name] = request
        if self.response is not None:
            arguments[self.response] = response
        return arguments


@dataclass(frozen=True)
class _Parameters:
    """The endpoint's own parameters, by their place in the request. `plain`: path parameters that need no check."""

    plain: tuple[tuple[str, str], ...]
    path: list[ModelField]
    query: list[ModelField]
    header: list[ModelField]
    cookie: list[ModelField]

    def collect(self, request: Request) -> tuple[dict[str, Any], list[Any]]:
        """Returns the values by parameter, and the problems."""
        values: dict[str, Any] = {name: request.path_params[alias] for name, alias in self.plain}
        problems: list[Any] = []
        for fields, source in (
            (self.path, "path_params"),
            (self.query, "query_params"),
            (self.header, "headers"),
            (self.cookie, "cookies"),
        ):
            if fields:
                more, errors = request_params_to_args(fields, getattr(request, source))
                values |= more
                problems += errors
        return values, problems


class _SerializedJson(Response):
    """A body that is JSON already. Has the headers that `Response` would find out."""

    def __init__(self, body: bytes, status: int) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.body = body
        self.status_code = status
        self.background = None
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]


@dataclass(frozen=True)
class RoutePlan:
    """How to handle the requests of a route."""

    endpoint: Call
    calls: tuple[tuple[Call, _Arguments], ...]
    arguments: _Arguments
    parameters: _Parameters | None
    needs_response: bool
    body_field: ModelField | None
    body_fields: list[ModelField]
    embed_body: bool
    result_field: ModelField | None
    result_options: dict[str, Any]
    status: int

    async def handle(self, request: Request) -> Response:
        """Returns the response. Raises what dependencies and the endpoint raise, and `RequestValidationError`."""
        body = Undefined if self.body_field is None else await _read_body(request)
        response = _empty_response() if self.needs_response else None
        results: list[Any] = []
        for call, arguments in self.calls:
            results.append(await call(**arguments.collect(results, request, response)))
        values: dict[str, Any] = {}
        problems: list[Any] = []
        if self.parameters is not None:
            values, problems = self.parameters.collect(request)
        if self.body_fields:
            more, errors = await request_body_to_args(self.body_fields, body, self.embed_body)
            values |= more
            problems += errors
        if problems:
            raise RequestValidationError(problems, body=None if body is Undefined else body)
        values |= self.arguments.collect(results, request, response)
        result = await self.endpoint(**values)
        if isinstance(result, Response):
            return result
        return self._respond(result, response)

    def _respond(self, result: Any, given: Response | None) -> Response:
        """Serializes the endpoint's result. `given`: the headers and the status that the endpoint has set."""
        status = given.status_code if given and given.status_code else self.status
        if self.result_field is None:
            response = JSONResponse(jsonable_encoder(result), status)
        else:
            valid, errors = self.result_field.validate(result, {}, loc=("response",))
            if errors:
                raise ResponseValidationError(
                    errors=errors, body=result, endpoint_ctx={"function": getattr(self.endpoint, "__name__", "")}
                )
            content = self.result_field.serialize_json(valid, **self.result_options)
            response = _SerializedJson(content, status)
        if status != 200 and not is_body_allowed_for_status_code(status):
            response = Response(b"", status, media_type=_JSON)
        if given is not None:
            response.headers.raw.extend(given.headers.raw)
        return response


def prepare(route: RouteContext) -> RoutePlan | None:
    """Returns the plan for a route, None if FastAPI must handle it."""
    try:
        return _prepare(route)
    except _Unsupported:
        return None


def _prepare(route: RouteContext) -> RoutePlan:
    dependant: Dependant = route.dependant
    body_field: ModelField | None = route.body_field
    _require(
        isinstance(route.response_class, DefaultPlaceholder),
        not route.is_sse_stream and not route.is_json_stream,
        body_field is None or not isinstance(body_field.field_info, Form),
        route.max_body_size is None,
        _is_coroutine(dependant.call),
    )
    calls: dict[Call, tuple[int, _Arguments]] = {}
    arguments = _arrange(dependant, calls)
    arranged = tuple((call, each) for call, (_, each) in calls.items())
    return RoutePlan(
        endpoint=cast(Call, dependant.call),
        calls=arranged,
        arguments=arguments,
        parameters=_sort_parameters(dependant),
        needs_response=any(each.response is not None for each in (arguments, *(each for _, each in arranged))),
        body_field=body_field,
        body_fields=dependant.body_params,
        embed_body=route._embed_body_fields,
        result_field=route.response_field,
        result_options={
            "include": route.response_model_include,
            "exclude": route.response_model_exclude,
            "by_alias": route.response_model_by_alias,
            "exclude_unset": route.response_model_exclude_unset,
            "exclude_defaults": route.response_model_exclude_defaults,
            "exclude_none": route.response_model_exclude_none,
        },
        status=route.status_code or 200,
    )


def _arrange(dependant: Dependant, calls: dict[Call, tuple[int, _Arguments]]) -> _Arguments:
    """Adds the dependencies' calls to `calls` in FastAPI's order, each once. Returns the arguments of `dependant`."""
    _require(dependant.background_tasks_param_name is None, dependant.websocket_param_name is None)
    _require(dependant.security_scopes_param_name is None, not dependant.own_oauth_scopes)
    results: list[tuple[str, int]] = []
    for dependency in dependant.dependencies:
        call = dependency.call
        _require(call is not None, _is_coroutine(call), dependency.use_cache, dependency.concurrency is None)
        _require(not _has_parameters(dependency))
        arguments = _arrange(dependency, calls)
        number, _ = calls.setdefault(cast(Call, call), (len(calls), arguments))
        if dependency.name is not None:
            results.append((dependency.name, number))
    request = (dependant.request_param_name, dependant.http_connection_param_name)
    return _Arguments(tuple(results), tuple(name for name in request if name), dependant.response_param_name)


def _sort_parameters(dependant: Dependant) -> _Parameters | None:
    """Path parameters without constraints always have a value, which is a string."""
    if not (dependant.path_params or dependant.query_params or dependant.header_params or dependant.cookie_params):
        return None
    plain = [
        field for field in dependant.path_params if field.field_info.annotation is str and not field.field_info.metadata
    ]
    return _Parameters(
        plain=tuple((field.name, field.alias) for field in plain),
        path=[field for field in dependant.path_params if field not in plain],
        query=dependant.query_params,
        header=dependant.header_params,
        cookie=dependant.cookie_params,
    )


def _require(*conditions: bool) -> None:
    if not all(conditions):
        raise _Unsupported


def _is_coroutine(call: Any) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004


def _has_parameters(dependant: Dependant) -> bool:
    return bool(
        dependant.path_params
        or dependant.query_params
        or dependant.header_params
        or dependant.cookie_params
        or dependant.body_params
    )


def _empty_response() -> Response:
    """Returns an object on which dependencies and the endpoint set headers and the status."""
    response = Response()
    del response.headers["content-length"]
    response.status_code = cast(int, None)
    return response


async def _read_body(request: Request) -> Any:
    """Returns the parsed body, its bytes if they are not declared as JSON, or `Undefined` if there are none."""
    body = await request.body()
    if not body:
        return Undefined
    try:
        return await request.json() if _is_json(request.headers.get("content-type")) else body
    except json.JSONDecodeError as error:
        problem = {
            "type": "json_invalid",
            "loc": ("body", error.pos),
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": error.msg},
        }
        raise RequestValidationError([problem], body=error.doc) from error
    except ServiceError:
        raise
    except Exception as error:
        raise HTTPException(400, "There was an error parsing the body") from error


def _is_json(content_type: str | None) -> bool:
    if content_type == _JSON:
        return True
    if not content_type:
        return False
    message = MimeMessage()
    message["content-type"] = content_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))
