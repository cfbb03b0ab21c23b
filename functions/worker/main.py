"""The worker: Cloud Tasks sends it the id of a ticket to answer, or of a notification to deliver to a webhook.

This function is private. In the cloud, the platform and the function itself admit only the queue's service account, and
Hosting has no rewrite to it.
A 2xx status means that the task is done; any other makes the queue deliver it again.
"""

from shared.startup import finish_startup

import os
from functools import partial
from typing import TYPE_CHECKING, Annotated, Self

from fastapi import APIRouter, Depends, Request, Response
from functions_framework import aio
from pydantic import model_validator

from shared.late_imports import import_late
from shared.llm.catalog import Catalog
from shared.llm.completion import complete
from shared.models.chat import ChatResult
from shared.models.stored_input import StoredInput
from shared.models.ticket import Ticket
from shared.models.wire import PlainId, SnakeModel
from shared.services.chat.agent_chat import AgentChatService
from shared.services.chat.answering import AnsweringService
from shared.services.chat.attempt import AnswerByAgent
from shared.services.chat.lease import LeaseHolder
from shared.services.chat.turns import TurnService
from shared.services.chat.withdrawal import WithdrawalService
from shared.settings import Settings
from shared.store import Database
from shared.tasks import task_queue
from shared.web import CurrentSettings, StrictJsonRoute, as_response, create_app
from shared.web.service_tokens import only_from
from shared.web.wiring.runs import wire_runs

if TYPE_CHECKING:
    from shared.services.webhooks.delivery import DeliveryService

router = APIRouter(route_class=StrictJsonRoute, dependencies=[Depends(only_from("queue"))])


class Task(SnakeModel):
    """A task: to answer a ticket, to `withdraw` it because its caller does not know whether the chat was accepted, or
    to notify a webhook. It has one of `ticket_id` and `delivery_id`.
    """

    ticket_id: PlainId = ""
    withdraw: str | None = None
    delivery_id: PlainId = ""

    @model_validator(mode="after")
    def _check_ids(self) -> Self:
        if bool(self.ticket_id) == bool(self.delivery_id):
            raise ValueError("send either ticket_id or delivery_id")
        return self


async def _answering_service(settings: CurrentSettings) -> AnsweringService:
    database = Database(settings)
    turns = TurnService(database, partial(task_queue, settings), settings)
    return AnsweringService(
        database, Catalog.load(os.environ), complete, _answer_by_agent(database, settings), settings, turns
    )


def _answer_by_agent(database: Database, settings: Settings) -> AnswerByAgent:
    async def answer(ticket: Ticket, request: StoredInput, holder: LeaseHolder) -> ChatResult:
        runs = await wire_runs(database, settings)  # imports the engine, which a chat with a model does not need
        return await AgentChatService(database, runs, settings).answer(ticket, request, holder)

    return answer


async def _withdrawal_service(settings: CurrentSettings) -> WithdrawalService:
    return WithdrawalService(Database(settings), settings)


async def _deliver(delivery_id: str, settings: Settings) -> None:
    wiring = await import_late("shared.web.wiring.webhooks")
    service: DeliveryService = wiring.wire_deliveries(Database(settings), settings)
    await service.deliver(delivery_id)


Answering = Annotated[AnsweringService, Depends(_answering_service)]


@router.post("/", status_code=204)
async def work(
    task: Task,
    answering: Answering,
    withdrawals: Annotated[WithdrawalService, Depends(_withdrawal_service)],
    settings: CurrentSettings,
    request: Request,
) -> Response:
    """Answers or withdraws the ticket, or notifies the webhook. 425 if the queue should deliver the task again."""
    name, id_ = ("delivery", task.delivery_id) if task.delivery_id else ("ticket", task.ticket_id)
    request.state.access[name] = id_
    if task.delivery_id:
        await _deliver(task.delivery_id, settings)
    elif task.withdraw:
        await withdrawals.withdraw_by_id(task.ticket_id)
    else:
        await answering.answer(task.ticket_id)
    return Response(status_code=204)


app = create_app("worker", router, Settings.from_environ())
finish_startup()


@aio.http
async def worker(_request: Request) -> Response:
    """The entry point."""
    return as_response(app)
