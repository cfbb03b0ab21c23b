"""A double of any provider over real HTTP. It records requests, and responds to them with an error."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.doubles.served import ThreadedServer


class Recorder(ThreadedServer):
    """The server. `bodies`: the JSON bodies of the requests, in the order of their arrival. `paths`: their paths."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        super().__init__(Starlette(routes=[Route("/{path:path}", self._refuse, methods=["POST"])]))

    async def _refuse(self, request: Request) -> JSONResponse:
        self.bodies.append(await request.json())
        self.paths.append(request.url.path)
        return JSONResponse({"error": {"message": "It was recorded.", "code": 400}}, status_code=400)
