// Tests the TypeScript client against the service over HTTP. pytest starts the service, and copies this file to a
// project that has the compiled client.

import assert from "node:assert/strict";
import test from "node:test";

import {
  unwrap,
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
  return unwrap(await on.POST("/chat", { body: { provider: "openai", model: "gpt-4.1-mini", messages } })).ticket_id;
}

/** Replaces the service's response to the next look-up. */
async function interrupt(query, body = '{"detail": "Later."}', mediaType = "application/json") {
  const headers = { "Content-Type": mediaType };
  await fetch(`${SERVICE}/interrupt?${new URLSearchParams(query)}`, { method: "POST", body, headers });
}

/** Makes the service process the next chat or agent call, but lose its response. */
async function lose() {
  await fetch(`${SERVICE}/lose`, { method: "POST" });
}

async function elapsedMs(promise) {
  const startedAt = performance.now();
  await promise;
  return performance.now() - startedAt;
}

test("the address functions return the documented addresses", () => {
  assert.equal(localAddress(), "http://127.0.0.1:8000/api");
  assert.equal(hostingAddress("demo-agents"), "https://demo-agents.web.app/api");
  assert.equal(functionAddress("chat", "p"), "https://us-central1-p.cloudfunctions.net/chat");
});

test("providers can be looked up", async () => {
  assert.ok("gpt-4.1-mini" in unwrap(await client.GET("/providers")).openai.models);
  const path = { provider: "openai", model: "gpt-4.1-mini" };
  const model = unwrap(await client.GET("/providers/{provider}/models/{model}", { params: { path } }));
  assert.ok(model.prices.input > 0);
});

test("wait for a chat returns its result", async () => {
  const result = await waitForTicket(client, await submit("slow"));
  assert.equal(result.content, "At last.");
  assert.equal(result.usage.total_tokens, 15);
});

test("a function's own address serves its operations", async () => {
  const direct = connect(`${SERVICE}/own/chat`);
  assert.equal((await waitForTicket(direct, await submit("direct", direct))).content, "You said: direct");
});

test("a failed chat rejects with a message for the user", async () => {
  await assert.rejects(waitForTicket(client, await submit("refused")), (error) => {
    assert.ok(error instanceof TicketFailed);
    assert.match(error.message, /key/);
    assert.equal(error.ticket.status, "failed");
    return true;
  });
});

test("wait times out, and can be resumed", async () => {
  const id = await submit("endless");
  const wait = waitForTicket(client, id, { timeoutMs: 300 });
  assert.ok((await elapsedMs(assert.rejects(wait, TicketTimeout))) >= 295);
  assert.equal((await waitForTicket(client, id)).content, "Here.");
});

test("an aborted signal ends the wait", async () => {
  const controller = new AbortController();
  const wait = waitForTicket(client, await submit("abandoned"), { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("gone")), 100);
  await assert.rejects(wait, /gone/);
  await assert.rejects(waitForTicket(client, "t", { signal: controller.signal }), /gone/);
});

test("Retry-After is honored", async () => {
  const id = await submit("busy");
  await interrupt({ status: 503, after: 1 });
  assert.ok((await elapsedMs(waitForTicket(client, id))) >= 995);
});

test("a Retry-After beyond the timeout ends the wait immediately", async () => {
  const id = await submit("busier");
  await interrupt({ status: 429, after: 60 });
  const wait = waitForTicket(client, id, { timeoutMs: 59000 });
  const tookMs = await elapsedMs(
    assert.rejects(wait, (error) => {
      assert.ok(error instanceof TicketTimeout && error.cause instanceof ServiceError);
      assert.deepEqual([error.cause.status, error.cause.retryAfter, error.cause.message], [429, 60, "429: Later."]);
      return true;
    }),
  );
  assert.ok(tookMs < 55000);
});

test("after a temporary error with any body, the ticket is looked up again", async () => {
  const id = await submit("odd");
  await interrupt({ status: 502 }, "<h1>Bad Gateway</h1>", "text/html");
  await interrupt({ status: 500 }, "[]");
  await interrupt({ status: 504 }, "");
  assert.equal((await waitForTicket(client, id)).content, "You said: odd");
});

test("if the network is unavailable, look-ups are retried until the timeout", async () => {
  await assert.rejects(waitForTicket(connect("http://127.0.0.1:9/api"), "t", { timeoutMs: 400 }), (error) => {
    assert.ok(error instanceof TicketTimeout && error.cause instanceof TypeError);
    return true;
  });
});

test("waiting for an unknown ticket fails immediately", async () => {
  await assert.rejects(waitForTicket(client, "no such ticket"), (error) => {
    assert.ok(error instanceof ServiceError && error.requestId);
    assert.equal(error.status, 404);
    return true;
  });
});

test("agents are created, changed, published, called and deleted", async () => {
  const body = { name: "Greeter", code: GREETER, friendlyName: "ts-greeter" };
  const agent = unwrap(await client.POST("/agents", { body }));
  assert.deepEqual([agent.visibility, agent.warnings, agent.engine], ["private", [], "python"]);
  const params = { path: { agent_id: agent._id } };
  const change = { _rev: agent._rev, description: "Greets." };
  const changed = unwrap(await client.PUT("/agents/{agent_id}", { params, body: change }));
  assert.deepEqual([changed.description, changed.name], ["Greets.", "Greeter"]);
  const rejected = await client.PUT("/agents/{agent_id}", { params, body: change });
  assert.equal(rejected.response.status, 409);
  assert.match(rejected.error.detail, /_rev/);
  const listed = unwrap(await client.GET("/agents", { params: { query: { limit: 10 } } }));
  assert.ok(listed.some(({ _id }) => _id === agent._id));
  assert.equal(unwrap(await client.POST("/agents/{agent_id}/deploy", { params })).endpoint, "/rest/ts-greeter");
  const call = { params: { path: { friendly_name: "ts-greeter" } }, body: { inputText: "Ada" } };
  assert.deepEqual(unwrap(await client.POST("/rest/{friendly_name}", call)), { outputText: "Hello, Ada" });
  assert.equal(unwrap(await client.DELETE("/agents/{agent_id}", { params })), undefined);
  assert.equal((await client.GET("/agents/{agent_id}", { params })).response.status, 404);
});

test("code is run, and its errors have the details that its author needs", async () => {
  const request = { code: GREETER, inputDict: { inputText: "Ada" } };
  const outcome = unwrap(await client.POST("/agents/run-code", { body: request }));
  assert.deepEqual([outcome.result, outcome.error, outcome.engine], [{ outputText: "Hello, Ada" }, null, "python"]);
  const code = "async def run(input_dict, tools):\n    print('looking')\n    raise ValueError('no tea')";
  const { error, response } = await client.POST("/agents/run-code", { body: { code } });
  assert.equal(response.status, 400);
  assert.deepEqual([error.error, error.logs], ["ValueError: no tea", ["looking"]]);
});

test("each error has its own type of body", async () => {
  const body = { provider: "openai", model: "gpt-4.1-mini", messages: [] };
  const outcome = await client.POST("/chat", { body });
  assert.throws(() => unwrap(outcome), (error) => {
    assert.ok(error instanceof ServiceError);
    assert.match(error.message, /^422: body\.messages: /);
    assert.deepEqual(error.body.detail[0].loc, ["body", "messages"]);
    return true;
  });
});

test("the token provider is called for each request", async () => {
  const tokens = [TOKEN, Promise.resolve(TOKEN)];
  const authenticated = connect(`${SECURED_SERVICE}/api`, () => tokens.shift());
  assert.equal(unwrap(await authenticated.GET("/users/me"))._id, "mine");
  assert.equal(unwrap(await authenticated.GET("/users/me"))._id, "mine");
  assert.equal(tokens.length, 0);
  const anonymous = await connect(`${SECURED_SERVICE}/api`).GET("/users/me");
  assert.equal(anonymous.response.status, 401);
});

test("a chat whose response is lost is retried with the same key", async () => {
  await lose();
  const messages = [{ role: "user", content: "lost" }];
  const body = { provider: "openai", model: "gpt-4.1-mini", messages };
  const outcome = await client.POST("/chat", { body });
  assert.equal(outcome.response.headers.get("Idempotent-Replayed"), "true");
  assert.equal((await waitForTicket(client, unwrap(outcome).ticket_id)).content, "You said: lost");
  assert.equal((await client.POST("/chat", { body })).response.headers.get("Idempotent-Replayed"), null);
});

test("an agent call whose response is lost runs the agent once, even with the caller's key", async () => {
  const code = "from uuid import uuid4\n\nasync def run(input_dict, tools):\n    return str(uuid4())";
  const agent = unwrap(await client.POST("/agents", { body: { name: "Once", code, friendlyName: "ts-once" } }));
  unwrap(await client.POST("/agents/{agent_id}/deploy", { params: { path: { agent_id: agent._id } } }));
  const header = { "Idempotency-Key": "mine" };
  const call = { params: { path: { friendly_name: "ts-once" }, header }, body: {} };
  await lose();
  const first = unwrap(await client.POST("/rest/{friendly_name}", call));
  assert.equal(unwrap(await client.POST("/rest/{friendly_name}", call)), first);
  const { params } = { params: { path: { friendly_name: "ts-once" } } };
  assert.notEqual(unwrap(await client.POST("/rest/{friendly_name}", { params, body: {} })), first);
});

test("requests are retried after some errors only", async () => {
  await interrupt({ status: 503, after: 1, for: "call" });
  await interrupt({ status: 409, after: 0, for: "call" });
  await interrupt({ status: 502, for: "call" }, "<h1>Bad Gateway</h1>", "text/html");
  assert.ok((await elapsedMs(submit("again"))) >= 995);
  for (const query of [{ status: 503 }, { status: 429, after: 3600 }, { status: 409 }]) {
    await interrupt({ ...query, for: "call" });
    await assert.rejects(submit("no"), (error) => error instanceof ServiceError && error.status === query.status);
  }
});

test("an aborted signal ends retries", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("gone")), 100);
  const body = { provider: "openai", model: "gpt-4.1-mini", messages: [{ role: "user", content: "away" }] };
  const away = connect("http://127.0.0.1:9/api");
  await assert.rejects(away.POST("/chat", { body, signal: controller.signal }), /gone/);
});
