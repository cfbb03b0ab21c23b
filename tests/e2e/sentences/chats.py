"""Checks for the sentences about chats and sessions."""

from uuid import UUID

from tests.doubles.model_server import Answer, Fail
from tests.e2e.sentences.context import MODEL, CheckContext, fresh, ok


def accepts_a_chat(context: CheckContext) -> None:
    prompt = fresh("hello")
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": prompt},
    ]
    body = {**MODEL, "messages": messages, "parameters": {"temperature": 0.5}, "builtInTools": []}
    ticket = context.service.finished(ok(context.mine.post("/chat", json=body))["ticket_id"])
    assert ticket["status"] == "completed"
    (call,) = context.model_server.calls_for(prompt)
    assert call.body["messages"] == messages
    assert call.body["temperature"] == 0.5
    ok(context.mine.post("/chat", json={**body, "messages": [{"role": "unknown", "content": "x"}]}), 422)
    for missing in ("messages", "provider", "model"):
        ok(context.mine.post("/chat", json={name: value for name, value in body.items() if name != missing}), 422)
    assert "ticket_id" in ok(context.mine.post("/chat", json={**MODEL, "messages": messages}))


def queues_the_chat(context: CheckContext) -> None:
    prompt = fresh("later")
    context.model_server.script(prompt, Answer("at last", delay=0.5))
    accepted = ok(context.service.chat(prompt, path="/chat"))
    assert set(accepted) == {"ticket_id", "status"}
    assert accepted["status"] == "pending"
    assert str(UUID(accepted["ticket_id"])) == accepted["ticket_id"]
    assert ok(context.mine.get(f"/chat/{accepted['ticket_id']}"))["result"] is None
    assert context.service.finished(accepted["ticket_id"])["result"]["content"] == "at last"


def ticket_has_the_outcome(context: CheckContext) -> None:
    good, bad = fresh("good"), fresh("bad")
    context.model_server.script(good, Answer("yes"))
    context.model_server.script(bad, Fail(400, "Refused.", "content_policy_violation"))
    completed = context.service.finished(context.service.ticket(good))
    assert (completed["status"], completed["error"]) == ("completed", None)
    assert completed["result"]["content"] == "yes"
    failed = context.service.finished(context.service.ticket(bad))
    assert (failed["status"], failed["result"]) == ("failed", None)
    assert failed["error"]


def configures_a_session(context: CheckContext) -> None:
    path = f"/sessions/{fresh('s')}/config"
    ok(context.mine.post(path, json={**MODEL, "parameters": {"temperature": 0.5}}))
    ok(context.mine.post(path, json={"model": "gpt-4.1-mini"}), 422)
    ok(context.mine.post(path, json={"provider": "openai"}), 422)


def session_is_created_and_updated(context: CheckContext) -> None:
    session = fresh("s")
    path = f"/sessions/{session}/config"
    ok(context.mine.get(path), 404)
    for temperature in (0.5, 0.7):
        confirmed = ok(context.mine.post(path, json={**MODEL, "parameters": {"temperature": temperature}}))
        assert confirmed["session_id"] == session
        assert confirmed["message"]
        assert ok(context.mine.get(path))["parameters"] == {"temperature": temperature}


def session_is_read(context: CheckContext) -> None:
    path = f"/sessions/{fresh('s')}/config"
    config = {**MODEL, "parameters": {"temperature": 0.5}}
    ok(context.mine.post(path, json=config))
    stored = ok(context.mine.get(path))
    assert {name: stored[name] for name in config} == config


def session_is_deleted(context: CheckContext) -> None:
    session = fresh("s")
    ok(context.mine.post(f"/sessions/{session}/config", json=MODEL))
    assert ok(context.mine.delete(f"/sessions/{session}")) == {"message": "Session deleted"}
    ok(context.mine.get(f"/sessions/{session}/config"), 404)
