// Tests how the TypeScript client derives events from documents that arrive late, out of order or not at all.

import assert from "node:assert/strict";
import test from "node:test";

const { Changes } = await import("./node_modules/firebase-agents-client/changes.js");
const { StoredAnswer } = await import("./node_modules/firebase-agents-client/stored-answer.js");

const TIME = { toDate: () => new Date(0) };
const TEXT = "AAAABBBBCCCCDDDD";

function ticket(fields = {}) {
  const times = { created_at: TIME, updated_at: TIME, completed_at: null };
  return { status: "processing", attempts: 1, result: null, error: null, ...times, ...fields };
}

function ended(content = TEXT, fields = {}) {
  const result = JSON.stringify({ content });
  return ticket({ status: "completed", result, completed_at: TIME, last_part: 4, ...fields });
}

function part(n, attempt = 1) {
  const index = (n - 1) % 1_000_000;
  return { n, attempt, content: TEXT.slice(4 * index, 4 * index + 4) };
}

function join(events) {
  return events.map((event) => (event.type === "delta" ? event.content : "")).join("");
}

function show(events) {
  return events.map((event) => (event.type === "delta" ? event.content : event.type)).join(" ");
}

test("a part waits for those before it", () => {
  const answer = new StoredAnswer("t", 0);
  answer.setTicket(ticket(), false);
  answer.addParts([part(1), part(3)], false);
  assert.equal(show(answer.takeEvents(true)), "status AAAA");
  answer.addParts([part(4)], false);
  assert.equal(show(answer.takeEvents(true)), "");
  answer.addParts([part(2)], false);
  assert.equal(show(answer.takeEvents(true)), "BBBB CCCC DDDD");
  answer.setTicket(ended(), false);
  assert.equal(show(answer.takeEvents(true)), "done");
});

test("parts that have expired are replaced by the result", () => {
  const answer = new StoredAnswer("t", 0);
  answer.setTicket(ended(), false);
  answer.addParts([part(1), part(3), part(4)], false);
  assert.equal(show(answer.takeEvents(true)), "AAAA");
  assert.ok(answer.lacksParts);
  const rest = answer.takeEvents(false);
  assert.equal(show(rest), "BBBBCCCCDDDD done");
  assert.deepEqual(
    rest.map((event) => event.id),
    [4, 4],
  );
});

test("a ticket that has ended waits for its parts until Firestore has reported them", () => {
  for (const cursor of [0, 1]) {
    const answer = new StoredAnswer("t", cursor);
    answer.addParts([], true);
    answer.setTicket(ended(), false);
    assert.equal(show(answer.takeEvents(true)), "");
    assert.ok(!answer.lacksParts);
    answer.addParts([1, 2, 3, 4].filter((n) => n > cursor).map((n) => part(n)), false);
    assert.equal(join(answer.takeEvents(true)), TEXT.slice(4 * cursor));
    assert.ok(answer.isDone);
  }
});

test("another attempt begins the answer again", () => {
  const answer = new StoredAnswer("t", 0);
  answer.setTicket(ticket(), false);
  answer.addParts([part(1)], false);
  assert.equal(show(answer.takeEvents(true)), "status AAAA");
  answer.addParts([part(1_000_001, 2), part(2)], false);
  assert.equal(show(answer.takeEvents(true)), "BBBB");
  answer.setTicket(ticket({ attempts: 2 }), false);
  const events = answer.takeEvents(true);
  assert.equal(show(events), "restart status AAAA");
  assert.equal(events[0].id, 1_000_000);
  answer.setTicket(ended("AAAA", { attempts: 2, last_part: 1_000_001 }), false);
  assert.equal(show(answer.takeEvents(true)), "done");
});

test("a result without parts replaces what was shown", () => {
  const answer = new StoredAnswer("t", 0);
  answer.setTicket(ticket(), false);
  answer.addParts([part(1)], false);
  answer.takeEvents(true);
  answer.setTicket(ended("Other", { last_part: 0 }), false);
  assert.equal(show(answer.takeEvents(true)), "restart Other done");
});

test("a ticket may be missing from the cache, but not from Firestore", () => {
  const answer = new StoredAnswer("t", 0);
  answer.setTicket(undefined, true);
  assert.deepEqual(answer.takeEvents(true), []);
  assert.throws(() => answer.setTicket(undefined, false), /does not exist/);
});

test("a wait ends with a change, and an earlier wait's time does not end it", async () => {
  const changes = new Changes(new AbortController().signal);
  setTimeout(() => changes.note(() => undefined), 10);
  assert.equal(await changes.next(50), true);
  setTimeout(() => changes.note(() => undefined), 100);
  assert.equal(await changes.next(10_000), true);
  assert.equal(await changes.next(10), false);
});

test("an error in a callback ends the wait", async () => {
  const changes = new Changes(new AbortController().signal);
  changes.note(() => {
    throw new Error("broken");
  });
  await assert.rejects(changes.next(), { message: "broken" });
});

test("an answer that the result contradicts begins again, also if its parts come before the ticket", () => {
  const whole = { status: "completed", result: JSON.stringify({ content: "Hello." }), void_parts: 1, last_part: 2 };
  for (const comesFirst of [true, false]) {
    const answer = new StoredAnswer("t", 0);
    answer.setTicket(ticket(), false);
    answer.addParts([part(1)], false);
    assert.equal(show(answer.takeEvents(true)), "status AAAA");
    const last = { n: 2, attempt: 1, content: "Hello." };
    answer.addParts([last], false);
    if (comesFirst) {
      assert.equal(show(answer.takeEvents(true)), "Hello.");
    }
    answer.setTicket(ticket(whole), false);
    assert.equal(show(answer.takeEvents(true)), "restart Hello. done");
  }
});

test("a reader that continues where an answer began again gets all of it", () => {
  const result = JSON.stringify({ content: "Hello." });
  for (const last_part of [0, 1_000_001]) {
    const answer = new StoredAnswer("t", 1_000_000);
    answer.setTicket(ticket({ status: "completed", attempts: 2, result, last_part }), false);
    answer.addParts([], false);
    assert.equal(join(answer.takeEvents(last_part === 0)), "Hello.");
  }
});
