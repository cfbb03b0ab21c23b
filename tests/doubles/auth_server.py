"""A double of Firebase Auth's API for users over HTTP, at the Auth emulator's path."""

from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from tests.doubles.served import ServedInThread


class AuthServer(ServedInThread):
    """`users`: the fields of each known user, by uid. `asked`: the requested uids, in order."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.status = 200
        app = FastAPI()
        app.post("/identitytoolkit.googleapis.com/v1/projects/{project}/accounts:lookup")(self._look_up)
        super().__init__(app)
        self.host = self.address.removeprefix("http://")

    async def _look_up(self, project: str, body: dict[str, Any]) -> Response:
        (uid,) = body["localId"]
        self.asked.append(uid)
        if self.status != 200:
            return JSONResponse({"error": {"message": "PERMISSION_DENIED"}}, status_code=self.status)
        found = [{"localId": uid, **self.users[uid]}] if uid in self.users else []
        return JSONResponse({"users": found} if found else {})
