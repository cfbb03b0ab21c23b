"""A server with the HTTP API of a shop, in addition to `tests.doubles.api_server`: paginated products, and meetings.

The server responds to a request for `/meet/3` when three such requests are in progress at the same time. This lets
tests prove that calls run concurrently, without relying on a clock.
"""

import asyncio
from collections import Counter
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.doubles.served import ThreadedServer

_PRODUCTS = [
    ("Pen", 1.5),
    ("Ink", 7.25),
    ("Desk", 249.99),
    ("Lamp", 39.0),
    ("Chair", 89.5),
    ("Mug", 4.2),
    ("Bag", 25.0),
]
_MEETING_SECONDS = 5.0


class ShopServer(ThreadedServer):
    """Shared by many tests and `reset` between them. `max_concurrent`: the maximum number of concurrent meetings."""

    def __init__(self) -> None:
        self.max_concurrent = 0
        self._in_progress = 0
        self._meetings: dict[str, asyncio.Event] = {}
        self._arrived: Counter[str] = Counter()
        self._tries: Counter[str] = Counter()
        self._products: dict[int, dict[str, Any]] = {}
        self.reset()
        routes = [
            Route("/products", self._list, methods=["GET"]),
            Route("/products", self._create, methods=["POST"]),
            Route("/products/{id:int}", self._handle_product, methods=["GET", "PUT", "PATCH", "DELETE", "HEAD"]),
            Route("/linked", self._linked),
            Route("/meet/{number:int}", self._meet, methods=["GET", "POST"]),
            Route("/limited/{key}", self._limited),
            Route("/broken", self._broken),
            Route("/latin", self._latin),
        ]
        super().__init__(Starlette(routes=routes))

    def reset(self) -> None:
        self.max_concurrent = self._in_progress = 0
        self._meetings.clear()
        self._arrived.clear()
        self._tries.clear()
        self._products = {
            number: {"id": number, "name": name, "price": price}
            for number, (name, price) in enumerate(_PRODUCTS, start=1)
        }

    async def _list(self, request: Request) -> Response:
        """Returns the products of one `page` with `size` entries."""
        page, size = int(request.query_params.get("page", "1")), int(request.query_params.get("size", "3"))
        products = list(self._products.values())
        items = products[(page - 1) * size : page * size]
        return JSONResponse({"items": items, "page": page, "pages": -(-len(products) // size)})

    async def _create(self, request: Request) -> Response:
        product = {"id": max(self._products) + 1, **await _body(request)}
        self._products[product["id"]] = product
        return JSONResponse(product, status_code=201, headers={"Location": f"/products/{product['id']}"})

    async def _handle_product(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in self._products:
            return JSONResponse({"detail": f"No product {number}"}, status_code=404)
        match request.method:
            case "PUT":
                self._products[number] = {"id": number, **await _body(request)}
            case "PATCH":
                self._products[number].update(await _body(request))
            case "DELETE":
                del self._products[number]
                return Response(status_code=204)
            case _:
                pass
        return JSONResponse(self._products[number])

    async def _linked(self, request: Request) -> Response:
        """Returns a page that contains the cursor of the next page, if there is one."""
        start = int(request.query_params.get("cursor", "0"))
        names = [product["name"] for product in self._products.values()]
        end = start + 2
        return JSONResponse({"names": names[start:end], "next": str(end) if end < len(names) else None})

    async def _meet(self, request: Request) -> Response:
        """Responds when `number` requests are in progress, or with 504 if they do not arrive in time."""
        number, key = request.path_params["number"], request.query_params.get("key", "")
        meeting = self._meetings.setdefault(key, asyncio.Event())
        self._arrived[key] += 1
        self._in_progress += 1
        self.max_concurrent = max(self.max_concurrent, self._in_progress)
        if self._arrived[key] >= number:
            meeting.set()
        try:
            async with asyncio.timeout(_MEETING_SECONDS):
                await meeting.wait()
        except TimeoutError:
            return JSONResponse({"detail": "The other requests did not arrive."}, status_code=504)
        finally:
            self._in_progress -= 1
        return JSONResponse({"together": True})

    async def _limited(self, request: Request) -> Response:
        """Refuses the first two requests with status 429."""
        key = request.path_params["key"]
        self._tries[key] += 1
        if self._tries[key] <= 2:
            return JSONResponse({"detail": "Slow down"}, status_code=429, headers={"Retry-After": "0.01"})
        return JSONResponse({"tries": self._tries[key]})

    async def _broken(self, _: Request) -> Response:
        return Response('{"half": ', media_type="application/json")

    async def _latin(self, _: Request) -> Response:
        return PlainTextResponse(
            "Crème brûlée".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"}
        )


async def _body(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = await request.json()
    return body
