"""A shop's HTTP API on a real port, beside `tests.doubles.api_server`: products in pages, and calls that meet.

Who asks `/meet/3` is answered once three such calls are there at the same time: so a test proves by the server, and
not by a clock, that calls run concurrently.
"""

import asyncio
from collections import Counter
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.doubles.served import ServedInThread

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


class ShopServer(ServedInThread):
    """Lives as long as the tests that share it; `reset` between them. `most_at_once`: calls that have met."""

    def __init__(self) -> None:
        self.most_at_once = 0
        self._here = 0
        self._met: dict[str, asyncio.Event] = {}
        self._at: Counter[str] = Counter()
        self._tries: Counter[str] = Counter()
        self._products: dict[int, dict[str, Any]] = {}
        self.reset()
        routes = [
            Route("/products", self._list, methods=["GET"]),
            Route("/products", self._create, methods=["POST"]),
            Route("/products/{id:int}", self._one, methods=["GET", "PUT", "PATCH", "DELETE", "HEAD"]),
            Route("/linked", self._linked),
            Route("/meet/{number:int}", self._meet, methods=["GET", "POST"]),
            Route("/limited/{key}", self._limited),
            Route("/broken", self._broken),
            Route("/latin", self._latin),
        ]
        super().__init__(Starlette(routes=routes))

    def reset(self) -> None:
        self.most_at_once = self._here = 0
        self._met.clear()
        self._at.clear()
        self._tries.clear()
        self._products = {
            number: {"id": number, "name": name, "price": price}
            for number, (name, price) in enumerate(_PRODUCTS, start=1)
        }

    async def _list(self, request: Request) -> Response:
        """By `page` and `size`."""
        page, size = int(request.query_params.get("page", "1")), int(request.query_params.get("size", "3"))
        every = list(self._products.values())
        items = every[(page - 1) * size : page * size]
        return JSONResponse({"items": items, "page": page, "pages": -(-len(every) // size)})

    async def _create(self, request: Request) -> Response:
        product = {"id": max(self._products) + 1, **await _body(request)}
        self._products[product["id"]] = product
        return JSONResponse(product, status_code=201, headers={"Location": f"/products/{product['id']}"})

    async def _one(self, request: Request) -> Response:
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
        """Pages that name the next one, until there is none."""
        start = int(request.query_params.get("cursor", "0"))
        names = [product["name"] for product in self._products.values()]
        after = start + 2
        return JSONResponse({"names": names[start:after], "next": str(after) if after < len(names) else None})

    async def _meet(self, request: Request) -> Response:
        """Answers when so many are here; 504 if they do not come."""
        number, key = request.path_params["number"], request.query_params.get("key", "")
        met = self._met.setdefault(key, asyncio.Event())
        self._at[key] += 1
        self._here += 1
        self.most_at_once = max(self.most_at_once, self._here)
        if self._at[key] >= number:
            met.set()
        try:
            async with asyncio.timeout(_MEETING_SECONDS):
                await met.wait()
        except TimeoutError:
            return JSONResponse({"detail": "Nobody came."}, status_code=504)
        finally:
            self._here -= 1
        return JSONResponse({"together": True})

    async def _limited(self, request: Request) -> Response:
        """Too many requests, twice."""
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
