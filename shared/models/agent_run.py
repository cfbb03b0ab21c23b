"""Agents' runs on the wire. A run is a ticket (`shared.models.ticket`), shown with what belongs to an agent."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from shared.models.agent import EngineName
from shared.models.chat import RunInput, TicketStatus, Usage, text_of
from shared.models.stored_input import StoredInput
from shared.models.wire import CamelModel, JsonObject, OptionalJsonObject, SnakeModel, with_example


class StartRunRequest(CamelModel):
    """The request body of `POST /runs`: one of `agentId` and `friendlyName`, and the agent's `input`.

    `webhook`: the id of a webhook that is notified of this run even if it does not subscribe to the event.
    """

    model_config = with_example(friendlyName="greeter", input={"inputText": "Ada"})

    agent_id: str | None = None
    friendly_name: str | None = None
    input: OptionalJsonObject = {}
    webhook: str | None = None

    @model_validator(mode="after")
    def _check_agent(self) -> Self:
        if (self.agent_id is None) == (self.friendly_name is None):
            raise ValueError("send either agentId or friendlyName")
        return self


class StartedRun(SnakeModel):
    """The response of `POST /runs`."""

    model_config = with_example(run_id="0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10", status="pending")

    run_id: str
    status: TicketStatus


class AnswerRequest(SnakeModel):
    """The request body of `POST /runs/{id}/answer`. `call`: the question to answer, if the run asks several."""

    model_config = with_example(answer="yes")

    answer: JsonValue
    call: str | None = None


class RunQuestion(SnakeModel):
    """A question that a run asks. `call` names it. The answer must be one of `choices`, or fit the `schema`."""

    call: str
    question: str
    choices: list[str] | None = None
    answer_schema: JsonObject | None = Field(default=None, serialization_alias="schema")
    asked_at: datetime
    expires_at: datetime | None = None


class Run(SnakeModel):
    """A run. `logs`: the lines that it has printed, as of its last pause or its end. `attempts`: how often a worker has
    started or continued it. `question`: the first of its open `questions`. `wakeAt`: when it continues by itself.
    `cost`: US dollars, 0 as long as there is no result.

    The caller of another user's agent gets its result, but not what it printed.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "run_id": "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10",
                    "agentId": "5b0a7b2e-8a53-4d4e-9a55-2a0b8f7f6c11",
                    "friendlyName": "greeter",
                    "status": "completed",
                    "input": {"inputText": "Ada"},
                    "result": {"outputText": "Hello, Ada!"},
                    "error": None,
                    "logs": [],
                    "engine": "python",
                    "attempts": 1,
                    "question": None,
                    "questions": [],
                    "wakeAt": None,
                    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
                    "cost": 0.0,
                    "created_at": "2026-11-28T12:00:00Z",
                    "updated_at": "2026-11-28T12:00:01Z",
                    "completed_at": "2026-11-28T12:00:01Z",
                }
            ]
        },
    )

    run_id: str
    agent_id: str | None = Field(serialization_alias="agentId")
    friendly_name: str | None = Field(serialization_alias="friendlyName")
    status: TicketStatus
    input: JsonObject | None = None
    result: JsonValue = None
    error: str | None = None
    logs: list[str] = []
    engine: EngineName
    attempts: int
    question: RunQuestion | None = None
    questions: list[RunQuestion] = []
    wake_at: datetime | None = Field(default=None, serialization_alias="wakeAt")
    usage: Usage = Usage()
    cost: float = 0.0
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


class StepKind(StrEnum):
    """What a step of a run does."""

    MODEL = "model"
    HTTP = "http"
    TOOL = "tool"
    AGENT = "agent"
    DATA = "data"
    SLEEP = "sleep"
    ASK = "ask"
    CLOCK = "clock"


class StepStatus(StrEnum):
    """The state of a step. `interrupted`: its outcome is unknown, because its worker died."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Step(SnakeModel):
    """A step of a run: something that its code did outside the sandbox.

    `n`: its position in the run. `call`: its number in the code that made it; the calls of an agent that another one
    called are numbered below that call, as in "3.1". `name`: the model, the request, the tool or the agent. `preview`:
    the beginning of what it returned. `cost`: US dollars.
    """

    model_config = with_example(
        n=1,
        call="1",
        kind="model",
        name="openai/gpt-4.1-mini",
        status="completed",
        startedAt="2026-11-28T12:00:00Z",
        endedAt="2026-11-28T12:00:01Z",
        cost=0.0001,
        usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        preview="Hello, Ada!",
        error=None,
    )

    n: int
    call: str
    kind: StepKind
    name: str
    status: StepStatus
    started_at: datetime = Field(serialization_alias="startedAt")
    ended_at: datetime | None = Field(default=None, serialization_alias="endedAt")
    cost: float | None = None
    usage: Usage | None = None
    preview: str = ""
    error: str | None = None


def summarize_input(body: StoredInput) -> JsonObject:
    """Returns the input of a run or, for a chat, its parameters with the newest message."""
    if isinstance(body, RunInput):
        return body.input
    contents = [text_of(message.content) for message in body.messages if message.role == "user"]
    return {**body.parameters, "inputText": contents[-1] if contents else ""}
