/** Watches a ticket: yields what its model says while it says it, and continues after every interruption. */

import { ServiceError, unwrap } from "./answers.js";
import type { ServiceClient } from "./connection.js";
import { readEvents, type ServerEvent } from "./event-stream.js";
import { deltaEvent, type StatusEvent, type TicketEvent, type ToolCall } from "./events.js";
import { isTemporary, pause, TicketTimeout, type Ticket } from "./tickets.js";

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
const PAUSE_GROWTH = 1.5;
/** The service sends something every 15 seconds. After a longer silence, the connection is lost. */
const SILENT_MS = 45_000;
/** A response that has nothing new lasts longer than this, unless something in between ends it. */
const HELD_MS = 1_000;
/** Firebase Hosting holds a response back until its end, so this client asks it for a short one, again and again. */
const HOSTING_WAIT = 2;

/** Another way to the same events, such as `fromFirebase(app)` in `firebase-agents-client/firebase`. */
export type EventSource<E = TicketEvent> = (
  id: string,
  startingAfter: number,
  signal: AbortSignal,
) => AsyncIterable<E>;

type EventPath = "/chat/{ticket_id}/events" | "/runs/{run_id}/events";

/**
 * `startingAfter`: the `id` of the last event that you have; 0 for all. `timeoutMs`: the maximum total time. `signal`:
 * if it is aborted, the watch ends with its reason. `firebase`: listens to Firestore instead of reading the service's
 * event stream.
 */
export interface WatchOptions {
  startingAfter?: number;
  timeoutMs?: number;
  signal?: AbortSignal;
  firebase?: EventSource;
}

/**
 * Yields the ticket's events until it has ended. The contents of all deltas, joined, are the answer.
 *
 * If the connection breaks or the service is temporarily unavailable, continues after the last event, without losing or
 * repeating a character. Throws `TicketTimeout`, and `ServiceError` for an error that waiting cannot resolve, such as an
 * unknown ticket.
 */
export async function* watchTicket(
  client: ServiceClient,
  ticketId: string,
  options: WatchOptions = {},
): AsyncGenerator<TicketEvent, void, undefined> {
  const source = options.firebase ?? fromService(client, "/chat/{ticket_id}/events", "ticket_id", toEvent);
  yield* watch(source, ticketId, options);
}

/** Yields the events of a source until they end, for the maximum total time. Throws what `watchTicket` throws. */
export async function* watch<E>(
  source: EventSource<E>,
  id: string,
  options: Omit<WatchOptions, "firebase">,
): AsyncGenerator<E, void, undefined> {
  const { startingAfter = 0, timeoutMs = 600_000, signal } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline;
  try {
    yield* source(id, startingAfter, stop);
  } catch (error) {
    signal?.throwIfAborted();
    throw deadline.aborted ? new TicketTimeout(id, timeoutMs, error) : error;
  }
}

/**
 * Reads an event stream of the service, from one response after the other. `toEvent` gets each event and the cursor
 * after it, and returns `undefined` for one to ignore.
 */
export function fromService<E extends { type: string }>(
  client: ServiceClient,
  path: EventPath,
  parameter: string,
  toEvent: (event: ServerEvent, id: number) => E | undefined,
): EventSource<E> {
  return async function* (id, startingAfter, stop) {
    let cursor = startingAfter;
    const connection: Connection = { isShort: true };
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      let retryMs = pauseMs; // unless the response has something new, or was held open to wait for it
      const began = performance.now();
      try {
        for await (const event of readResponse(client, path, { [parameter]: id }, cursor, connection, stop)) {
          if (event.id !== undefined) {
            cursor = event.id;
            retryMs = 0;
            pauseMs = FIRST_PAUSE_MS;
          }
          const read = toEvent(event, cursor);
          if (read) {
            yield read;
          }
          if (read?.type === "done") {
            return;
          }
        }
        retryMs = performance.now() - began < HELD_MS ? retryMs : 0;
      } catch (error) {
        stop.throwIfAborted();
        if (!isTemporary(error)) {
          throw error;
        }
        retryMs = Math.max(pauseMs, error instanceof ServiceError ? (error.retryAfter ?? 0) * 1000 : 0);
      }
      if (retryMs > 0) {
        pauseMs = Math.min(pauseMs * PAUSE_GROWTH, MAX_PAUSE_MS);
      }
      await pause(retryMs, stop);
    }
  };
}

/** `isShort`: whether the next response should be short, because it may go through Hosting. */
interface Connection {
  isShort: boolean;
}

/** Yields the events of one response. Throws `ServiceError`, and `TypeError` if the connection breaks or is silent. */
async function* readResponse(
  client: ServiceClient,
  path: EventPath,
  parameters: Record<string, string>,
  cursor: number,
  connection: Connection,
  stop: AbortSignal,
): AsyncGenerator<ServerEvent, void, undefined> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENT_MS);
  const restart = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENT_MS);
  };
  try {
    // Both paths have the same parameters but for the name of the id.
    const outcome = await client.GET(path as "/chat/{ticket_id}/events", {
      params: {
        path: parameters as { ticket_id: string },
        query: { starting_after: cursor, ...(connection.isShort ? { wait: HOSTING_WAIT } : {}) },
      },
      parseAs: "stream",
      signal: AbortSignal.any([stop, silence.signal]),
    });
    connection.isShort = new URL(outcome.response.url).pathname.startsWith("/api/");
    const body = unwrap<unknown>(outcome) as ReadableStream<Uint8Array>;
    for await (const event of readEvents(body.pipeThrough(observe(restart)))) {
      yield event;
    }
  } catch (error) {
    throw silence.signal.aborted ? new TypeError("The connection is silent.") : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `note` for each chunk that passes through. */
function observe(note: () => void): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      note();
      controller.enqueue(chunk);
    },
  });
}

/** Returns the event, or `undefined` for one of a newer version of the service. */
function toEvent({ name, data }: ServerEvent, id: number): TicketEvent | undefined {
  switch (name) {
    case "delta":
      return deltaEvent(id, data as { content?: string; reasoning?: string });
    case "tool":
      return { type: "tool", id, toolCalls: (data as { tool_calls: ToolCall[] }).tool_calls };
    case "status": {
      const status = data as Omit<StatusEvent, "type"> & { restart?: boolean };
      return status.restart
        ? { type: "restart", id }
        : { type: "status", status: status.status, attempt: status.attempt };
    }
    case "done":
      return { type: "done", id, ticket: data as Ticket };
    default:
      return undefined;
  }
}
