"""A double of Cloud Tasks over real gRPC. It accepts tasks, refuses names that are in use, and fails on request."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.cloud.tasks_v2 import CreateTaskRequest, GetTaskRequest, Task


class CloudTasksServer:
    """The server. `tasks` are the accepted tasks, by name. `fail_next` makes the next creations fail, and `done` marks
    tasks as completed. If `can_look_up` is False, looking up a task fails.
    """

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.attempts = 0
        self.can_look_up = True
        self._done: set[str] = set()
        self._failures: deque[tuple[grpc.StatusCode, bool]] = deque()
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4))
        create = grpc.unary_unary_rpc_method_handler(
            self._create_task,
            request_deserializer=CreateTaskRequest.deserialize,
            response_serializer=Task.serialize,
        )
        get = grpc.unary_unary_rpc_method_handler(
            self._get_task,
            request_deserializer=GetTaskRequest.deserialize,
            response_serializer=Task.serialize,
        )
        handler = grpc.method_handlers_generic_handler(
            "google.cloud.tasks.v2.CloudTasks", {"CreateTask": create, "GetTask": get}
        )
        self._server.add_generic_rpc_handlers((handler,))
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=0).wait()

    def reset(self) -> None:
        self.tasks.clear()
        self.attempts = 0
        self.can_look_up = True
        self._done.clear()
        self._failures.clear()

    def done(self, name: str) -> None:
        """Marks the task with this full or short name as completed. It can no longer be looked up, but its name stays
        taken."""
        self._done.update(
            full_name for full_name in self.tasks if full_name == name or full_name.split("/")[-1] == name
        )

    def fail_next(self, *codes: grpc.StatusCode, store_anyway: bool = False) -> None:
        """Makes the next creations fail with these codes. With `store_anyway`, their tasks are stored nevertheless."""
        self._failures.extend((code, store_anyway) for code in codes)

    def _create_task(self, request: CreateTaskRequest, context: grpc.ServicerContext) -> Task:
        self.attempts += 1
        failure = self._failures.popleft() if self._failures else None
        if failure is not None and not failure[1]:
            context.abort(failure[0], "a scripted failure")
        if request.task.name in self.tasks:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "a task with this name exists")
        self.tasks[request.task.name] = request.task
        if failure is not None:
            context.abort(failure[0], "a scripted failure")
        return request.task

    def _get_task(self, request: GetTaskRequest, context: grpc.ServicerContext) -> Task:
        if not self.can_look_up:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "looking up tasks is not allowed")
        if request.name not in self.tasks or request.name in self._done:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such task")
        return self.tasks[request.name]
