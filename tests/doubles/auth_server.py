"""A double of Firebase Auth's user API over HTTP, at the paths of the Auth emulator."""

from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from tests.doubles.served import ThreadedServer


class AuthServer(ThreadedServer):
    """The server. `users`: the fields of each existing user, by uid. `requested_uids`: the uids of all requests, in
    order."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.requested_uids: list[str] = []
        self.status = 200
        app = FastAPI()
        app.post("/identitytoolkit.googleapis.com/v1/projects/{project}/accounts:lookup")(self._look_up)
        super().__init__(app)
        self.host = self.address.removeprefix("http://")

    async def _look_up(self, project: str, body: dict[str, Any]) -> Response:
        (uid,) = body["localId"]
        self.requested_uids.append(uid)
        if self.status != 200:
            return JSONResponse({"error": {"message": "PERMISSION_DENIED"}}, status_code=self.status)
        users = [{"localId": uid, **self.users[uid]}] if uid in self.users else []
        return JSONResponse({"users": users} if users else {})
