// Uses of OpenAI's Node client, unmodified. Prints a line of JSON for each: its name, what the client got, what was
// expected, and the objects that it received, with the names of their types. test_openai_clients.py runs this.
import OpenAI from "openai";

const MODEL = "openai/gpt-4.1-mini";
const { AGENT, HOSTING_URL, IMAGE } = process.env;
const keys = JSON.parse(process.env.KEYS);
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const weather = { name: "get_weather", description: "Returns the weather.", parameters };
const tools = [{ type: "function", function: weather }];
const flatTools = [{ type: "function", strict: false, ...weather }];
const client = new OpenAI();
const withKey = (name, options = {}) => new OpenAI({ apiKey: keys[name], ...options });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let seen = [];

async function collect(stream) {
  const values = [];
  for await (const value of stream) values.push(value);
  return values;
}

function see(shape, value) {
  const { _request_id, output_text, ...fields } = value; // the client adds these two
  seen.push([shape, fields.response ? { ...fields, response: withoutText(fields.response) } : fields]);
  return value;
}

function withoutText({ output_text, ...fields }) {
  return fields;
}

async function ask(content = "hi", options = {}, from = client) {
  const messages = typeof content === "string" ? [{ role: "user", content }] : content;
  return see("ChatCompletion", await from.chat.completions.create({ model: MODEL, messages, ...options }));
}

const say = async (...request) => (await ask(...request)).choices[0].message.content;

async function chunks(content, options = {}, from = client) {
  const messages = [{ role: "user", content }];
  const stream = await from.chat.completions.create({ model: MODEL, messages, stream: true, ...options });
  return (await collect(stream)).map((chunk) => see("ChatCompletionChunk", chunk));
}

const join = (list) => list.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

async function respond(input = "hi", options = {}, from = client) {
  return see("Response", await from.responses.create({ model: MODEL, input, ...options }));
}

async function events(input, options = {}) {
  const stream = await client.responses.create({ model: MODEL, input, stream: true, ...options });
  return (await collect(stream)).map((event) => see("ResponseStreamEvent", event));
}

async function ended(id) {
  for (;;) {
    const response = see("Response", await client.responses.retrieve(id));
    if (!["queued", "in_progress"].includes(response.status)) return response;
    await pause(200);
  }
}

async function refused(promise) {
  try {
    return await promise;
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    return [error.constructor.name, error.status ?? null, error.code ?? null, error.param ?? null];
  }
}

async function roundTrip() {
  const { choices } = await ask("weather", { tools });
  const result = { role: "tool", tool_call_id: choices[0].message.tool_calls[0].id, content: "rain" };
  return say([{ role: "user", content: "It is" }, choices[0].message, result], { tools });
}

async function responseRoundTrip() {
  const { id, output } = await respond("weather", { tools: flatTools });
  const result = { type: "function_call_output", call_id: output[0].call_id, output: "rain" };
  const input = [result, { role: "user", content: "So" }];
  return (await respond(input, { tools: flatTools, previous_response_id: id })).output_text;
}

async function continued() {
  let id, last;
  const stream = await client.responses.create({ model: MODEL, input: "count", background: true, stream: true });
  for await (const event of stream) {
    id ??= event.response.id;
    last = event.sequence_number;
    if (event.type === "response.output_text.delta") break;
  }
  const rest = await client.responses.retrieve(id, { stream: true, starting_after: last });
  const list = (await collect(rest)).map((event) => see("ResponseStreamEvent", event));
  const text = list.at(-1).response.output.at(-1).content[0].text;
  return [list[0].sequence_number === last + 1, text];
}

async function cancelled() {
  const { id } = await respond("endless", { background: true });
  await pause(1000);
  return see("Response", await client.responses.cancel(id)).status;
}

async function deleted() {
  const { id } = await respond();
  await client.responses.delete(id);
  return refused(client.responses.retrieve(id));
}

async function inputs() {
  const { id } = await respond(["one", "two", "three"].map((content) => ({ role: "user", content })));
  const texts = [];
  for await (const item of client.responses.inputItems.list(id, { order: "asc", limit: 2 })) {
    texts.push(item.content[0].text);
  }
  return texts;
}

async function models() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(see("Model", model).id);
  return [ids.includes(MODEL), ids.includes(AGENT)];
}

async function spent() {
  let requests = 0;
  const counting = (...request) => (requests++, fetch(...request));
  return [...(await refused(say("hi", {}, withKey("poor", { fetch: counting })))), requests];
}

async function lost() {
  let requests = 0;
  async function losing(...request) {
    const response = await fetch(...request);
    if (requests++ > 0) return response;
    await response.text();
    return new Response("", { status: 503 });
  }
  const options = { fetch: losing };
  const messages = [{ role: "user", content: "hi" }];
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const { response, data } = await withKey("all", options)
    .chat.completions.create({ model: MODEL, messages }, { headers })
    .withResponse();
  return [data.choices[0].message.content, requests, response.headers.get("idempotent-replayed")];
}

const hosted = new OpenAI({ baseURL: HOSTING_URL });
const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
const json_schema = { name: "city", schema: { ...schema, additionalProperties: false }, strict: true };
const image = { type: "image_url", image_url: { url: IMAGE } };
const inputImage = { type: "input_image", image_url: IMAGE, detail: "auto" };
const uses = [
  ["a chat", () => say(), "Hello."],
  ["a chat through Hosting", () => say("hi", {}, hosted), "Hello."],
  ["a chat with an ID token", () => say("hi", {}, withKey("an ID token")), "Hello."],
  ["its usage", async () => (await ask()).usage.total_tokens, 10],
  ["a limit was reached", async () => (await ask("cut")).choices[0].finish_reason, "length"],
  ["thoughts", async () => (await ask("think")).choices[0].message.reasoning_content, "Hm."],
  ["a stream", async () => join(await chunks("count")), "0 1 2 3 4 "],
  ["a stream through Hosting", async () => join(await chunks("hi", {}, hosted)), "Hello."],
  ["its usage at the end", async () => (await chunks("count", { stream_options: { include_usage: true } })).at(-1).usage.total_tokens, 15],
  ["a stream's helper", async () => client.chat.completions.stream({ model: MODEL, messages: [{ role: "user", content: "count" }] }).finalContent(), "0 1 2 3 4 "],
  ["a function", roundTrip, "You said: It is"],
  ["a function is required", async () => (await ask("weather", { tools, tool_choice: "required" })).choices[0].finish_reason, "tool_calls"],
  ["a call is streamed", async () => (await chunks("weather", { tools })).at(-1).choices[0].finish_reason, "tool_calls"],
  ["a schema", async () => JSON.parse(await say("JSON of a city", { response_format: { type: "json_schema", json_schema } })), { name: "Bonn" }],
  ["an image", () => say([{ role: "user", content: [{ type: "text", text: "hi" }, image] }]), "Hello."],
  ["system messages", () => say([{ role: "system", content: "Be brief." }, { role: "user", content: "hi" }]), "Hello."],
  ["a response", async () => (await respond()).output_text, "Hello."],
  ["a response through Hosting", async () => (await respond("hi", {}, hosted)).output_text, "Hello."],
  ["a response's usage", async () => (await respond()).usage.total_tokens, 10],
  ["events of a response", async () => (await events("count")).at(-1).type, "response.completed"],
  ["a response's helper", async () => (await client.responses.stream({ model: MODEL, input: "count" }).finalResponse()).output_text, "0 1 2 3 4 "],
  ["polling", async () => (await ended((await respond("slow", { background: true })).id)).output_text, "Late."],
  ["continuing a stream", continued, [true, "0 1 2 3 4 "]],
  ["cancelling", cancelled, "cancelled"],
  ["deleting", deleted, ["NotFoundError", 404, "response_not_found", "response_id"]],
  ["a conversation", async () => (await respond("two", { previous_response_id: (await respond("one")).id })).output_text, "You said: two"],
  ["the items of an input", inputs, ["one", "two", "three"]],
  ["a response's function", responseRoundTrip, "You said: So"],
  ["a response's image", async () => (await respond([{ role: "user", content: [{ type: "input_text", text: "hi" }, inputImage] }])).output_text, "Hello."],
  ["models", models, [true, true]],
  ["a model", async () => see("Model", await client.models.retrieve(MODEL)).owned_by, "openai"],
  ["an agent", () => say("Ada", { model: AGENT }), "Hello, Ada."],
  ["an agent's stream", async () => join(await chunks("Ada", { model: AGENT })), "Hello, Ada."],
  ["an agent's response", async () => (await respond("Ada", { model: AGENT })).output_text, "Hello, Ada."],
  ["a wrong key", () => refused(say("hi", {}, withKey("wrong"))), ["AuthenticationError", 401, "invalid_api_key", null]],
  ["a revoked key", () => refused(say("hi", {}, withKey("revoked"))), ["AuthenticationError", 401, "invalid_api_key", null]],
  ["an expired key", () => refused(say("hi", {}, withKey("expired"))), ["AuthenticationError", 401, "invalid_api_key", null]],
  ["a key without the scope", async () => (await refused(say("hi", {}, withKey("account only")))).slice(0, 3), ["PermissionDeniedError", 403, "permission_denied"]],
  ["a spent budget, sent once", spent, ["APIError", 402, "insufficient_quota", null, 1]],
  ["an unknown model", () => refused(say("hi", { model: "openai/made-up" })), ["NotFoundError", 404, "model_not_found", "model"]],
  ["a prompt that is too long", async () => (await refused(say("long"))).slice(0, 3), ["BadRequestError", 400, "context_length_exceeded"]],
  ["an unsupported parameter", () => refused(say("hi", { logprobs: true })), ["BadRequestError", 400, "unsupported_parameter", "logprobs"]],
  ["a timeout", () => refused(say("slow", {}, withKey("all", { timeout: 1000, maxRetries: 0 }))), ["APIConnectionTimeoutError", null, null, null]],
  ["a lost response is repeated", lost, ["Hello.", 2, "true"]],
];
for (const [name, use, expected] of uses) {
  seen = [];
  let got;
  try {
    got = await use();
  } catch (error) {
    got = String(error.stack);
  }
  console.log(JSON.stringify({ name, got, expected, seen }));
}
