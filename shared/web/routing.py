"""Finds the route of a path, and remembers the results for recent paths.

FastAPI compares a path with the routes one after the other. An application would do so twice for each request: to find
the path's form (`shared.web.paths`), and to handle the request.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi.routing import APIRoute, RouteContext

from shared.web.body import StrictJsonRoute
from shared.web.paths import remember
from shared.web.plans import RoutePlan, prepare


@dataclass(frozen=True, slots=True)
class Found:
    """A route for a path, and the path's parameters. Without a plan, FastAPI handles the route."""

    route: APIRoute
    methods: frozenset[str]
    plan: RoutePlan | None
    path_params: dict[str, str]


class Routes:
    """An application's routes, in the order in which they are compared with a path."""

    def __init__(self, contexts: Iterable[RouteContext]) -> None:
        self._routes = [_Route(context) for context in contexts]
        self._find_all = remember(self._compare)

    def exists(self, path: str) -> bool:
        """Whether the path is one of the routes, for any method."""
        return bool(self._find_all(path))

    def find(self, path: str, method: str) -> Found | None:
        """Returns the route that handles such a request, None if there is none."""
        for found in self._find_all(path):
            if method in found.methods:
                return found
        return None

    def _compare(self, path: str) -> list[Found]:
        return [found for route in self._routes if (found := route.compare(path)) is not None]


class _Route:
    def __init__(self, context: RouteContext) -> None:
        route = context.original_route
        if not isinstance(route, APIRoute):
            raise TypeError(f"{route!r} is not a route of an API.")
        self._route = route
        self._context = context
        self._methods = frozenset[str](context.methods or ())
        self._plan = prepare(context) if isinstance(route, StrictJsonRoute) else None

    def compare(self, path: str) -> Found | None:
        """Returns the path's parameters, None if the path does not match. Compares like FastAPI."""
        match = self._context.path_regex.match(path)
        if match is None:
            return None
        convertors = self._context.param_convertors
        path_params = {name: convertors[name].convert(value) for name, value in match.groupdict().items()}
        return Found(self._route, self._methods, self._plan, path_params)
