// The TypeScript client against the service over HTTP. pytest serves it, and runs this file next to the compiled client.

import assert from "node:assert/strict";
import test from "node:test";

import {
  answered,
  connect,
  functionAddress,
  hostingAddress,
  localAddress,
  ServiceError,
  TicketFailed,
  TicketTimeout,
  waitForTicket,
} from "firebase-agents-client";

const { SERVICE, SECURED_SERVICE, TOKEN } = process.env;
const GREETER = "async def run(input_dict, tools):\n    return {'outputText': 'Hello, ' + input_dict['inputText']}";
const client = connect(`${SERVICE}/api`);

async function submit(prompt, on = client) {
  const messages = [{ role: "user", content: prompt }];
  return answered(await on.POST("/chat", { body: { provider: "openai", model: "gpt-4.1-mini", messages } })).ticket_id;
}

/** Replaces the service's response to the next look-up. */
async function interrupt(query, body = '{"detail": "Later."}', media = "application/json") {
  const headers = { "Content-Type": media };
  await fetch(`${SERVICE}/interrupt?${new URLSearchParams(query)}`, { method: "POST", body, headers });
}

/** Loses the response to the next chat or agent call, which is processed. */
async function lose() {
  await fetch(`${SERVICE}/lose`, { method: "POST" });
}

async function elapsed(work) {
  const began = performance.now();
  await work;
  return performance.now() - began;
}

test("the base addresses are those in the documentation", () => {
  assert.equal(localAddress(), "http://127.0.0.1:8000/api");
  assert.equal(hostingAddress("demo-agents"), "https://demo-agents.web.app/api");
  assert.equal(functionAddress("chat", "p"), "https://us-central1-p.cloudfunctions.net/chat");
});

test("providers can be looked up", async () => {
  assert.ok("gpt-4.1-mini" in answered(await client.GET("/providers")).openai.models);
  const path = { provider: "openai", model: "gpt-4.1-mini" };
  const model = answered(await client.GET("/providers/{provider}/models/{model}", { params: { path } }));
  assert.ok(model.prices.input > 0);
});

test("waiting for a chat returns its result", async () => {
  const result = await waitForTicket(client, await submit("slow"));
  assert.equal(result.content, "At last.");
  assert.equal(result.usage.total_tokens, 15);
});

test("a function's own address serves its operations", async () => {
  const direct = connect(`${SERVICE}/own/chat`);
  assert.equal((await waitForTicket(direct, await submit("direct", direct))).content, "You said: direct");
});

test("a failed chat is an error with a sentence for the user", async () => {
  await assert.rejects(waitForTicket(client, await submit("refused")), (error) => {
    assert.ok(error instanceof TicketFailed);
    assert.match(error.message, /key/);
    assert.equal(error.ticket.status, "failed");
    return true;
  });
});

test("waiting times out, and the ticket can be waited for again", async () => {
  const id = await submit("endless");
  const took = await elapsed(assert.rejects(waitForTicket(client, id, { timeoutMs: 300 }), TicketTimeout));
  assert.ok(took >= 295 && took < 1400, `${took}`);
  assert.equal((await waitForTicket(client, id)).content, "Here.");
});

test("the signal ends the wait", async () => {
  const stop = new AbortController();
  const waiting = waitForTicket(client, await submit("abandoned"), { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("gone")), 100);
  await assert.rejects(waiting, /gone/);
  await assert.rejects(waitForTicket(client, "t", { signal: stop.signal }), /gone/);
});

test("Retry-After is honoured", async () => {
  const id = await submit("busy");
  await interrupt({ status: 503, after: 1 });
  assert.ok((await elapsed(waitForTicket(client, id))) >= 995);
});

test("a Retry-After beyond the limit is not waited for", async () => {
  const id = await submit("busier");
  await interrupt({ status: 429, after: 60 });
  const waiting = waitForTicket(client, id, { timeoutMs: 5000 });
  const took = await elapsed(
    assert.rejects(waiting, (error) => {
      assert.ok(error instanceof TicketTimeout && error.cause instanceof ServiceError);
      assert.deepEqual([error.cause.status, error.cause.retryAfter, error.cause.message], [429, 60, "429: Later."]);
      return true;
    }),
  );
  assert.ok(took < 4000);
});

test("temporary errors are waited out, whatever their body", async () => {
  const id = await submit("odd");
  await interrupt({ status: 502 }, "<h1>Bad Gateway</h1>", "text/html");
  await interrupt({ status: 500 }, "[]");
  await interrupt({ status: 504 }, "");
  assert.equal((await waitForTicket(client, id)).content, "You said: odd");
});

test("an unavailable network is waited out", async () => {
  await assert.rejects(waitForTicket(connect("http://127.0.0.1:9/api"), "t", { timeoutMs: 400 }), (error) => {
    assert.ok(error instanceof TicketTimeout && error.cause instanceof TypeError);
    return true;
  });
});

test("an unknown ticket is not waited for", async () => {
  await assert.rejects(waitForTicket(client, "no such ticket"), (error) => {
    assert.ok(error instanceof ServiceError && error.requestId);
    assert.equal(error.status, 404);
    return true;
  });
});

test("agents are created, changed, published, called and deleted", async () => {
  const body = { name: "Greeter", code: GREETER, friendlyName: "ts-greeter" };
  const agent = answered(await client.POST("/agents", { body }));
  assert.deepEqual([agent.visibility, agent.warnings, agent.engine], ["private", [], "python"]);
  const params = { path: { agent_id: agent._id } };
  const change = { _rev: agent._rev, description: "Greets." };
  const changed = answered(await client.PUT("/agents/{agent_id}", { params, body: change }));
  assert.deepEqual([changed.description, changed.name], ["Greets.", "Greeter"]);
  const stale = await client.PUT("/agents/{agent_id}", { params, body: change });
  assert.equal(stale.response.status, 409);
  assert.match(stale.error.detail, /_rev/);
  const listed = answered(await client.GET("/agents", { params: { query: { limit: 10 } } }));
  assert.ok(listed.some(({ _id }) => _id === agent._id));
  assert.equal(answered(await client.POST("/agents/{agent_id}/deploy", { params })).endpoint, "/rest/ts-greeter");
  const call = { params: { path: { friendly_name: "ts-greeter" } }, body: { inputText: "Ada" } };
  assert.deepEqual(answered(await client.POST("/rest/{friendly_name}", call)), { outputText: "Hello, Ada" });
  assert.equal(answered(await client.DELETE("/agents/{agent_id}", { params })), undefined);
  assert.equal((await client.GET("/agents/{agent_id}", { params })).response.status, 404);
});

test("code is run, and an error has all details for its author", async () => {
  const request = { code: GREETER, inputDict: { inputText: "Ada" } };
  const ran = answered(await client.POST("/agents/run-code", { body: request }));
  assert.deepEqual([ran.result, ran.error, ran.engine], [{ outputText: "Hello, Ada" }, null, "python"]);
  const code = "async def run(input_dict, tools):\n    print('looking')\n    raise ValueError('no tea')";
  const { error, response } = await client.POST("/agents/run-code", { body: { code } });
  assert.equal(response.status, 400);
  assert.deepEqual([error.error, error.logs], ["ValueError: no tea", ["looking"]]);
});

test("errors have specific types", async () => {
  const body = { provider: "openai", model: "gpt-4.1-mini", messages: [] };
  const outcome = await client.POST("/chat", { body });
  assert.throws(() => answered(outcome), (error) => {
    assert.ok(error instanceof ServiceError);
    assert.match(error.message, /^422: body\.messages: /);
    assert.deepEqual(error.body.detail[0].loc, ["body", "messages"]);
    return true;
  });
});

test("each request asks for a token", async () => {
  const tokens = [TOKEN, Promise.resolve(TOKEN)];
  const known = connect(`${SECURED_SERVICE}/api`, () => tokens.shift());
  assert.equal(answered(await known.GET("/users/me"))._id, "mine");
  assert.equal(answered(await known.GET("/users/me"))._id, "mine");
  assert.equal(tokens.length, 0);
  const anonymous = await connect(`${SECURED_SERVICE}/api`).GET("/users/me");
  assert.equal(anonymous.response.status, 401);
});

test("a chat whose response is lost is sent again with the same key", async () => {
  await lose();
  const messages = [{ role: "user", content: "lost" }];
  const body = { provider: "openai", model: "gpt-4.1-mini", messages };
  const outcome = await client.POST("/chat", { body });
  assert.equal(outcome.response.headers.get("Idempotent-Replayed"), "true");
  assert.equal((await waitForTicket(client, answered(outcome).ticket_id)).content, "You said: lost");
  assert.equal((await client.POST("/chat", { body })).response.headers.get("Idempotent-Replayed"), null);
});

test("an agent whose response is lost runs once, even with the caller's key", async () => {
  const code = "from uuid import uuid4\n\nasync def run(input_dict, tools):\n    return str(uuid4())";
  const agent = answered(await client.POST("/agents", { body: { name: "Once", code, friendlyName: "ts-once" } }));
  answered(await client.POST("/agents/{agent_id}/deploy", { params: { path: { agent_id: agent._id } } }));
  const header = { "Idempotency-Key": "mine" };
  const call = { params: { path: { friendly_name: "ts-once" }, header }, body: {} };
  await lose();
  const first = answered(await client.POST("/rest/{friendly_name}", call));
  assert.equal(answered(await client.POST("/rest/{friendly_name}", call)), first);
  const { params } = { params: { path: { friendly_name: "ts-once" } } };
  assert.notEqual(answered(await client.POST("/rest/{friendly_name}", { params, body: {} })), first);
});

test("requests are retried, at most five times", async () => {
  await interrupt({ status: 503, after: 1, for: "call" });
  await interrupt({ status: 409, after: 0, for: "call" });
  await interrupt({ status: 502, for: "call" }, "<h1>Bad Gateway</h1>", "text/html");
  assert.ok((await elapsed(submit("again"))) >= 995);
  for (const query of [{ status: 503 }, { status: 429, after: 3600 }, { status: 409 }]) {
    await interrupt({ ...query, for: "call" });
    await assert.rejects(submit("no"), (error) => error instanceof ServiceError && error.status === query.status);
  }
});

test("the signal ends retries", async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("gone")), 100);
  const body = { provider: "openai", model: "gpt-4.1-mini", messages: [{ role: "user", content: "away" }] };
  const away = connect("http://127.0.0.1:9/api");
  await assert.rejects(away.POST("/chat", { body, signal: stop.signal }), /gone/);
});
