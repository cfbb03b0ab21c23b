from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeVar,
    cast,
)

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.ticket_status import TicketStatus, check_ticket_status

if TYPE_CHECKING:
    from ..models.run_input_type_0 import RunInputType0
    from ..models.run_question import RunQuestion
    from ..models.usage import Usage


T = TypeVar("T", bound="Run")


@_attrs_define
class Run:
    """A run. `logs`: the lines that it has printed, as of its last pause or its end. `attempts`: how often a worker has
    started or continued it. `question`: the first of its open `questions`. `wakeAt`: when it continues by itself.
    `cost`: US dollars, 0 as long as there is no result.

    The caller of another user's agent gets its result, but not what it printed.

        Attributes:
            run_id (str):
            agent_id (None | str):
            friendly_name (None | str):
            status (TicketStatus): The state of a ticket. `completed`, `failed` and `cancelled` are final.

                `waiting`: an agent's run sleeps, or waits for the answer to a question. As a chat, such a run is `processing`.
            input_ (None | RunInputType0):
            result (Any):
            error (None | str):
            logs (list[str]):
            engine (Literal['python']):
            attempts (int):
            question (None | RunQuestion):
            questions (list[RunQuestion]):
            wake_at (datetime.datetime | None):
            usage (Usage): Tokens, as the provider counted them.
            cost (float):  Default: 0.0.
            created_at (datetime.datetime):
            updated_at (datetime.datetime):
            completed_at (datetime.datetime | None):
    """

    run_id: str
    agent_id: None | str
    friendly_name: None | str
    status: TicketStatus
    input_: None | RunInputType0
    result: Any
    error: None | str
    logs: list[str]
    engine: Literal["python"]
    attempts: int
    question: None | RunQuestion
    questions: list[RunQuestion]
    wake_at: datetime.datetime | None
    usage: Usage
    created_at: datetime.datetime
    updated_at: datetime.datetime
    completed_at: datetime.datetime | None
    cost: float = 0.0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.run_input_type_0 import RunInputType0  # noqa: PLC0415
        from ..models.run_question import RunQuestion  # noqa: PLC0415

        run_id = self.run_id

        agent_id: None | str
        agent_id = self.agent_id

        friendly_name: None | str
        friendly_name = self.friendly_name

        status: str = self.status

        input_: dict[str, Any] | None
        if isinstance(self.input_, RunInputType0):
            input_ = self.input_.to_dict()
        else:
            input_ = self.input_

        result = self.result

        error: None | str
        error = self.error

        logs = self.logs

        engine = self.engine

        attempts = self.attempts

        question: dict[str, Any] | None
        if isinstance(self.question, RunQuestion):
            question = self.question.to_dict()
        else:
            question = self.question

        questions = []
        for questions_item_data in self.questions:
            questions_item = questions_item_data.to_dict()
            questions.append(questions_item)

        wake_at: None | str
        if isinstance(self.wake_at, datetime.datetime):
            wake_at = self.wake_at.isoformat()
        else:
            wake_at = self.wake_at

        usage = self.usage.to_dict()

        cost = self.cost

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        completed_at: None | str
        if isinstance(self.completed_at, datetime.datetime):
            completed_at = self.completed_at.isoformat()
        else:
            completed_at = self.completed_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "run_id": run_id,
                "agentId": agent_id,
                "friendlyName": friendly_name,
                "status": status,
                "input": input_,
                "result": result,
                "error": error,
                "logs": logs,
                "engine": engine,
                "attempts": attempts,
                "question": question,
                "questions": questions,
                "wakeAt": wake_at,
                "usage": usage,
                "cost": cost,
                "created_at": created_at,
                "updated_at": updated_at,
                "completed_at": completed_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.run_input_type_0 import RunInputType0  # noqa: PLC0415
        from ..models.run_question import RunQuestion  # noqa: PLC0415
        from ..models.usage import Usage  # noqa: PLC0415

        d = dict(src_dict)
        run_id = d.pop("run_id")

        def _parse_agent_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        agent_id = _parse_agent_id(d.pop("agentId"))

        def _parse_friendly_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        friendly_name = _parse_friendly_name(d.pop("friendlyName"))

        status = check_ticket_status(d.pop("status"))

        def _parse_input_(data: object) -> None | RunInputType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                input_type_0 = RunInputType0.from_dict(data)

                return input_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunInputType0, data)

        input_ = _parse_input_(d.pop("input"))

        result = d.pop("result")

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        logs = cast(list[str], d.pop("logs"))

        engine = cast(Literal["python"], d.pop("engine"))
        if engine != "python":
            raise ValueError(f"engine must match const 'python', got '{engine}'")

        attempts = d.pop("attempts")

        def _parse_question(data: object) -> None | RunQuestion:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                question_type_0 = RunQuestion.from_dict(data)

                return question_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RunQuestion, data)

        question = _parse_question(d.pop("question"))

        questions = []
        _questions = d.pop("questions")
        for questions_item_data in _questions:
            questions_item = RunQuestion.from_dict(questions_item_data)

            questions.append(questions_item)

        def _parse_wake_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                wake_at_type_0 = datetime.datetime.fromisoformat(data)

                return wake_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        wake_at = _parse_wake_at(d.pop("wakeAt"))

        usage = Usage.from_dict(d.pop("usage"))

        cost = d.pop("cost")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        def _parse_completed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                completed_at_type_0 = datetime.datetime.fromisoformat(data)

                return completed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        completed_at = _parse_completed_at(d.pop("completed_at"))

        run = cls(
            run_id=run_id,
            agent_id=agent_id,
            friendly_name=friendly_name,
            status=status,
            input_=input_,
            result=result,
            error=error,
            logs=logs,
            engine=engine,
            attempts=attempts,
            question=question,
            questions=questions,
            wake_at=wake_at,
            usage=usage,
            cost=cost,
            created_at=created_at,
            updated_at=updated_at,
            completed_at=completed_at,
        )

        run.additional_properties = d
        return run

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
