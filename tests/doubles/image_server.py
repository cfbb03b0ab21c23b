"""A web server with images, and with other answers to requests for images."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.doubles.served import ThreadedServer
from tests.images import PNG


class ImageServer(ThreadedServer):
    """The server. `paths`: the paths of the requests, in the order of their arrival."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        routes = [
            Route("/image/{size:int}", self._image),
            Route("/status/{status:int}", self._status),
            Route("/page", self._page),
            Route("/redirect", self._redirect),
        ]
        super().__init__(Starlette(routes=routes))

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")

    async def _image(self, request: Request) -> Response:
        """An image of `size` bytes, with a content type that does not fit it."""
        self.paths.append(request.url.path)
        return Response(PNG.ljust(request.path_params["size"], b"\0"), media_type="application/octet-stream")

    async def _status(self, request: Request) -> Response:
        self.paths.append(request.url.path)
        return Response(PNG, status_code=request.path_params["status"])

    async def _page(self, request: Request) -> Response:
        self.paths.append(request.url.path)
        return Response("<html>Log in</html>", media_type="image/png")

    async def _redirect(self, request: Request) -> Response:
        """A redirect to the URL in the query."""
        self.paths.append(request.url.path)
        return RedirectResponse(request.query_params["to"])
