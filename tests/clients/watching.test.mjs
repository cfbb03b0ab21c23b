// Tests how the TypeScript client watches tickets. pytest starts the service and the emulators, and copies this file to
// a project that has the compiled client.

import assert from "node:assert/strict";
import net from "node:net";
import test from "node:test";

import {
  connect,
  TicketCancelled,
  TicketTimeout,
  unwrap,
  waitForTicket,
  watchRun,
  watchTicket,
} from "firebase-agents-client";
import { fromFirebase } from "firebase-agents-client/firebase";
import { deleteApp, initializeApp } from "firebase/app";
import { connectFirestoreEmulator, getFirestore } from "firebase/firestore";

const { SERVICE, SECURED_SERVICE, TOKEN, FIRESTORE, PROJECT, TEXT } = process.env;
const hosting = connect(`${SERVICE}/api`);
const direct = connect(`${SERVICE}/own/chat`);
const secured = connect(`${SECURED_SERVICE}/own/chat`, () => TOKEN);

async function submit(on, prompt) {
  const messages = [{ role: "user", content: prompt }];
  return unwrap(await on.POST("/chat", { body: { provider: "openai", model: "gpt-4.1-mini", messages } })).ticket_id;
}

async function collect(events) {
  const all = [];
  for await (const event of events) {
    all.push(event);
  }
  return all;
}

function join(events) {
  return events.map((event) => (event.type === "delta" ? event.content : "")).join("");
}

for (const [name, client] of Object.entries({ hosting, direct })) {
  test(`an answer is yielded while it is given, ${name}`, async () => {
    const events = await collect(watchTicket(client, await submit(client, "watched")));
    assert.equal(join(events), TEXT);
    assert.ok(events.filter((event) => event.type === "delta").length > 1);
    assert.equal(events.at(-1).type, "done");
    assert.equal(events.at(-1).ticket.result.content, TEXT);
  });
}

test("a watch continues at any cursor, also after the end", async () => {
  const ticket = await submit(direct, "watched");
  const deltas = (await collect(watchTicket(direct, ticket))).filter((event) => event.type === "delta");
  for (let cursor = 0; cursor <= deltas.length; cursor += 1) {
    const rest = await collect(watchTicket(direct, ticket, { startingAfter: cursor }));
    assert.equal(join(rest), join(deltas.slice(cursor)));
    assert.equal(rest.at(-1).type, "done");
  }
});

/** Opens a client behind a proxy that cuts each of the first connections after some of the response. */
async function connectWithCuts(cuts) {
  const { hostname, port } = new URL(SERVICE);
  const proxy = net.createServer((incoming) => {
    const outgoing = net.connect(Number(port), hostname);
    let left = cuts > 0 ? 900 : Infinity;
    cuts -= 1;
    incoming.pipe(outgoing);
    outgoing.on("data", (chunk) => {
      incoming.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) {
        incoming.destroy();
        outgoing.destroy();
      }
    });
    incoming.on("error", () => outgoing.destroy()).on("close", () => outgoing.destroy());
    outgoing.on("error", () => incoming.destroy()).on("end", () => incoming.end());
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  proxy.unref();
  return { client: connect(`http://127.0.0.1:${proxy.address().port}/own/chat`), proxy };
}

test("a connection that breaks loses and repeats nothing", async () => {
  const ticket = await submit(direct, "watched");
  const { client, proxy } = await connectWithCuts(3);
  let connections = 0;
  proxy.on("connection", () => (connections += 1));
  assert.equal(join(await collect(watchTicket(client, ticket))), TEXT);
  assert.ok(connections >= 4);
  proxy.close();
});

test("temporary errors and empty responses are waited out", async () => {
  const ticket = await submit(direct, "watched");
  await interrupt({ status: 503 });
  await interrupt({ status: 429, after: 1 });
  await interrupt({ status: 200 }, "");
  const before = Date.now();
  assert.equal(join(await collect(watchTicket(direct, ticket))), TEXT);
  assert.ok(Date.now() - before >= 1000);
});

test("responses without news are repeated after growing pauses", async () => {
  const ticket = await submit(direct, "watched");
  for (let count = 0; count < 3; count += 1) {
    await interrupt({ status: 200 }, 'event: status\ndata: {"status":"processing","attempt":1}\n\n');
  }
  const before = Date.now();
  assert.equal(join(await collect(watchTicket(direct, ticket))), TEXT);
  assert.ok(Date.now() - before >= 900);
});

async function interrupt(query, body = '{"detail": "Later."}') {
  await fetch(`${SERVICE}/interrupt?${new URLSearchParams(query)}`, { method: "POST", body });
}

test("another attempt begins the answer again", async () => {
  const ticket = await submit(direct, "cut");
  const params = { path: { ticket_id: ticket } };
  // The service of these tests delivers what its worker has refused after each request.
  const redelivery = setInterval(() => direct.GET("/chat/{ticket_id}", { params }), 100);
  const events = await collect(watchTicket(direct, ticket));
  clearInterval(redelivery);
  const restart = events.findIndex((event) => event.type === "restart");
  assert.deepEqual(events[restart], { type: "restart", id: 1_000_000 });
  assert.ok(TEXT.startsWith(join(events.slice(0, restart))));
  assert.equal(join(events.slice(restart)), TEXT);
});

test("an unknown ticket is an error, and a watch ends when its time is up", async () => {
  await assert.rejects(collect(watchTicket(direct, "unknown")), { name: "ServiceError", status: 404 });
  const ticket = await submit(direct, "slow");
  await assert.rejects(collect(watchTicket(direct, ticket, { timeoutMs: 300 })), TicketTimeout);
  const path = { ticket_id: ticket };
  assert.equal(unwrap(await direct.POST("/chat/{ticket_id}/cancel", { params: { path } })).status, "cancelled");
  await assert.rejects(waitForTicket(direct, ticket), TicketCancelled);
});

test("a watch can be aborted", async () => {
  const ticket = await submit(direct, "watched");
  const abort = new AbortController();
  const watching = collect(watchTicket(direct, ticket, { signal: abort.signal }));
  abort.abort(new Error("enough"));
  await assert.rejects(watching, { message: "enough" });
});

test("a page listens to Firestore under the rules", async () => {
  const app = initializeApp({ projectId: PROJECT, apiKey: "x" });
  const [host, port] = FIRESTORE.split(":");
  connectFirestoreEmulator(getFirestore(app), host, Number(port), { mockUserToken: TOKEN });
  const ticket = await submit(secured, "watched");
  const events = await collect(watchTicket(secured, ticket, { firebase: fromFirebase(app) }));
  assert.equal(join(events), TEXT);
  assert.ok(events.filter((event) => event.type === "delta").length > 1);
  const looked = unwrap(await secured.GET("/chat/{ticket_id}", { params: { path: { ticket_id: ticket } } }));
  assert.deepEqual(events.at(-1).ticket.result, looked.result);
  assert.equal(events.at(-1).ticket.status, "completed");
  const later = await collect(watchTicket(secured, ticket, { firebase: fromFirebase(app), startingAfter: 1 }));
  assert.equal(join(later), join(events.filter((event) => event.type === "delta").slice(1)));
  await assert.rejects(collect(watchTicket(secured, "0b6f0d0e-5d0b-4c56-8f5e-6f7f3f1c2a10", { firebase: fromFirebase(app) })));
  await deleteApp(app);
});

test("a run's lines and steps are yielded while it runs", async () => {
  const code = `
import asyncio
async def run(input_dict, tools):
    print("one")
    await asyncio.sleep(1)
    print("two")
    return {"n": input_dict["n"]}
`;
  const agent = unwrap(await hosting.POST("/agents", { body: { name: "n", description: "d", code } }));
  const { run_id } = unwrap(await hosting.POST("/runs", { body: { agentId: agent._id, input: { n: 3 } } }));
  const events = await collect(watchRun(hosting, run_id));
  assert.deepEqual(
    events.filter((event) => event.type === "log").map((event) => event.text),
    ["one", "two"],
  );
  const done = events.at(-1);
  assert.deepEqual([done.type, done.run.status, done.run.result], ["done", "completed", { n: 3 }]);
  assert.deepEqual(await collect(watchRun(hosting, run_id, { startingAfter: done.id })), [done]);
});
