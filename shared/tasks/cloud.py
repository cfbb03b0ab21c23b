"""The task queue in Cloud Tasks, called over gRPC."""

import json
from datetime import datetime

import grpc
from google.api_core.exceptions import (
    AlreadyExists,
    DeadlineExceeded,
    GoogleAPICallError,
    InternalServerError,
    NotFound,
    RetryError,
    ServiceUnavailable,
)
from google.api_core.retry import AsyncRetry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcAsyncIOTransport
from google.protobuf import duration_pb2, timestamp_pb2

from shared.log import get_logger
from shared.per_loop import per_loop
from shared.settings import Settings
from shared.tasks import QueueRefused, task_headers

_log = get_logger("tasks")
_TRY_SECONDS = 4.0
_ALL_TRIES_SECONDS = 12.0
_RETRY = AsyncRetry(
    predicate=if_exception_type(ServiceUnavailable, DeadlineExceeded, InternalServerError),
    initial=0.2,
    maximum=2.0,
    multiplier=2.0,
    timeout=_ALL_TRIES_SECONDS,
)
"""The library itself does not retry `create_task`, because an unnamed task could be created twice. Here all tasks have
names."""


@per_loop
def _client(endpoint: str | None) -> tasks_v2.CloudTasksAsyncClient:
    if endpoint is None:
        return tasks_v2.CloudTasksAsyncClient()
    channel = grpc.aio.insecure_channel(endpoint)
    return tasks_v2.CloudTasksAsyncClient(transport=CloudTasksGrpcAsyncIOTransport(channel=channel))


class CloudTaskQueue:
    """Sends tasks to the private worker function, with an OIDC token of the worker's service account."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        location, project = settings.worker_location, settings.google_cloud_project
        self._queue = f"projects/{project}/locations/{location}/queues/{settings.worker_queue}"
        self._url = settings.worker_address

    async def enqueue(self, name: str, payload: dict[str, str], at: datetime | None = None) -> None:
        """See `TaskQueue`."""
        request = tasks_v2.HttpRequest(
            url=self._url,
            http_method=tasks_v2.HttpMethod.POST,
            headers=task_headers(),
            body=json.dumps(payload).encode(),
        )
        if account := self._settings.worker_service_account:
            request.oidc_token = tasks_v2.OidcToken(service_account_email=account, audience=self._url)
        task = tasks_v2.Task(
            name=f"{self._queue}/tasks/{name}",
            http_request=request,
            dispatch_deadline=duration_pb2.Duration(seconds=self._settings.worker_timeout_seconds),
        )
        if at is not None:
            schedule_time = timestamp_pb2.Timestamp()
            schedule_time.FromDatetime(at)
            task.schedule_time = schedule_time
        try:
            await _client(self._settings.cloud_tasks_endpoint).create_task(
                parent=self._queue, task=task, retry=_RETRY, timeout=_TRY_SECONDS
            )
        except AlreadyExists:
            return
        except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
            raise QueueRefused(f"Cloud Tasks: {type(error).__name__}") from error

    async def has(self, name: str) -> bool | None:
        """See `InspectableQueue`."""
        try:
            await _client(self._settings.cloud_tasks_endpoint).get_task(
                name=f"{self._queue}/tasks/{name}", retry=_RETRY, timeout=_TRY_SECONDS
            )
        except NotFound:
            return False
        except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
            _log.warning("Cloud Tasks could not look up a task: %s", type(error).__name__)
            return None
        return True
