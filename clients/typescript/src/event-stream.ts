/** Reads server-sent events from a response's body. */

/** An event. `id`: the cursor after it, `undefined` if the cursor stays as it is. */
export interface ServerEvent {
  id: number | undefined;
  name: string;
  data: unknown;
}

/** Yields each complete event. An incomplete one at the end is dropped. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parse(block);
        if (event) {
          yield event;
        }
      }
    }
  } finally {
    reader.cancel().catch(() => undefined); // closes the connection if the caller stops reading
  }
}

function parse(block: string): ServerEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) {
      fields.set(line.slice(0, colon), line.slice(colon + 2));
    }
  }
  const [id, name, data] = [fields.get("id"), fields.get("event"), fields.get("data")];
  return name === undefined || data === undefined
    ? undefined
    : { id: id === undefined ? undefined : Number(id), name, data: JSON.parse(data) };
}
