"""Writes frontends' log entries to the service's log, each as one line of limited length, with secrets removed."""

import logging

from pydantic import Field

from shared.log import get_logger
from shared.models.wire import CamelModel, JsonObject, SnakeModel, with_example
from shared.redaction import redact, redact_json

_log = get_logger("client")
_LEVELS = {
    "DEBUG": logging.DEBUG,
    "TRACE": logging.DEBUG,
    "INFO": logging.INFO,
    "LOG": logging.INFO,
    "NOTICE": logging.INFO,
    "WARN": logging.WARNING,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "CRITICAL": logging.CRITICAL,
    "FATAL": logging.CRITICAL,
}


class ClientLog(CamelModel):
    """An event that a frontend reports."""

    model_config = with_example(
        eventType="page-error", message="The list did not load.", level="WARN", metadata={"page": "/agents"}
    )

    event_type: str = Field(min_length=1, max_length=200)
    message: str = Field(max_length=8_000)
    level: str = Field(default="INFO", max_length=20)
    metadata: JsonObject | None = None


class Logged(SnakeModel):
    """The entry was logged."""

    model_config = with_example(status="logged")

    status: str = "logged"


def write_client_log(entry: ClientLog, client_host: str, user_agent: str, uid: str | None) -> Logged:
    """Writes the line, with the caller's address and browser in its metadata. An unknown level counts as INFO."""
    metadata = redact_json({**(entry.metadata or {}), "client_host": client_host, "user_agent": user_agent})
    fields = {"eventType": redact(entry.event_type), "metadata": metadata, **({"uid": uid} if uid else {})}
    level = _LEVELS.get(entry.level.strip().upper(), logging.INFO)
    _log.log(level, "%s", redact(entry.message), extra={"fields": fields})
    return Logged()
