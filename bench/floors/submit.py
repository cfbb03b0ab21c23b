"""Accepts a chat: one transaction that reads an account and writes three documents, then one task in Cloud Tasks."""

import os
from functools import cache
from uuid import uuid4

import grpc
from functions_framework import aio
from google.cloud import tasks_v2
from google.cloud.firestore import AsyncClient, AsyncTransaction, async_transactional
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcAsyncIOTransport
from starlette.requests import Request
from starlette.responses import JSONResponse

_PROJECT = os.environ["GOOGLE_CLOUD_PROJECT"]
_QUEUE = f"projects/{_PROJECT}/locations/us-central1/queues/worker"


@cache
def _client() -> AsyncClient:
    return AsyncClient(project=_PROJECT)


@cache
def _tasks() -> tasks_v2.CloudTasksAsyncClient:
    channel = grpc.aio.insecure_channel(os.environ["CLOUD_TASKS_ENDPOINT"])
    return tasks_v2.CloudTasksAsyncClient(transport=CloudTasksGrpcAsyncIOTransport(channel=channel))


@async_transactional
async def _admit(transaction: AsyncTransaction, uid: str, ticket_id: str, body: str) -> None:
    account = _client().collection("floor-accounts").document(uid)
    snapshot = await account.get(transaction=transaction)
    held = (snapshot.to_dict() or {"held": 0})["held"]
    transaction.set(account, {"held": held + 1})
    transaction.set(_client().collection("floor-tickets").document(ticket_id), {"owner": uid, "status": "pending"})
    transaction.create(_client().collection("floor-requests").document(ticket_id), {"owner": uid, "body": body})


@aio.http
async def floor(request: Request) -> JSONResponse:
    """The entry point. The header `X-Account` names the account."""
    ticket_id = str(uuid4())
    await _admit(_client().transaction(), request.headers["x-account"], ticket_id, (await request.body()).decode())
    task = tasks_v2.Task(
        name=f"{_QUEUE}/tasks/{ticket_id}-1",
        http_request=tasks_v2.HttpRequest(url="http://worker.invalid/", body=ticket_id.encode()),
    )
    await _tasks().create_task(parent=_QUEUE, task=task)
    return JSONResponse({"ticket_id": ticket_id, "status": "pending"})
