/** Waits for a chat's ticket, which it looks up at growing intervals until it is finished. */

import { answered, ServiceError } from "./answers.js";
import type { ServiceClient } from "./connection.js";
import type { components } from "./schema.js";

export type Ticket = components["schemas"]["ChatResponse"];
export type ChatResult = components["schemas"]["ChatResult"];

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
const GROWTH = 1.5;
const MAX_LOOK_UP_MS = 30_000;
/** Statuses after which the ticket is looked up again, because they say nothing about the chat. */
const TEMPORARY_STATUSES = [429, 500, 502, 503, 504];

/** The chat ended without an answer. The message is a sentence for the user. */
export class TicketFailed extends Error {
  override readonly name = "TicketFailed";
  readonly ticket: Ticket;

  constructor(ticket: Ticket) {
    super(ticket.error ?? "");
    this.ticket = ticket;
  }
}

/** The ticket was not finished in time. It may still finish. `cause`: the error of the last look-up, if it failed. */
export class TicketTimeout extends Error {
  override readonly name = "TicketTimeout";
  readonly ticketId: string;

  constructor(ticketId: string, timeoutMs: number, cause: unknown) {
    super(`The ticket ${ticketId} was not finished within ${timeoutMs / 1000} seconds.`, { cause });
    this.ticketId = ticketId;
  }
}

/** `timeoutMs`: total milliseconds. `signal`: ends the wait with its reason. */
export interface Waiting {
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Waits for the ticket's result and returns it.
 *
 * Throws `TicketFailed`, `TicketTimeout`, and `ServiceError` for an error that waiting cannot resolve, such as an
 * unknown ticket or a missing token. After temporary errors (too many requests, an unavailable service or network), it
 * tries again, after the time in `Retry-After` if the service sends that.
 */
export async function waitForTicket(
  client: ServiceClient,
  ticketId: string,
  waiting: Waiting = {},
): Promise<ChatResult> {
  const { timeoutMs = 300_000, signal } = waiting;
  const deadline = Date.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * GROWTH, MAX_PAUSE_MS)) {
    let failure: unknown;
    try {
      const ticket = await lookUp(client, ticketId, Math.min(MAX_LOOK_UP_MS, deadline - Date.now()), signal);
      if (ticket.status === "failed") {
        throw new TicketFailed(ticket);
      }
      if (ticket.result !== null) {
        return ticket.result;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTemporary(error)) {
        throw error;
      }
      failure = error;
    }
    const retryMs = failure instanceof ServiceError ? (failure.retryAfter ?? 0) * 1000 : 0;
    const remainingMs = deadline - Date.now();
    if (remainingMs <= 0 || retryMs > remainingMs) {
      throw new TicketTimeout(ticketId, timeoutMs, failure);
    }
    signal?.throwIfAborted();
    await pause(Math.max(retryMs, Math.min(pauseMs, remainingMs)), signal);
  }
}

async function lookUp(client: ServiceClient, ticketId: string, limitMs: number, signal?: AbortSignal): Promise<Ticket> {
  const limit = AbortSignal.timeout(Math.max(1, limitMs));
  const outcome = await client.GET("/chat/{ticket_id}", {
    params: { path: { ticket_id: ticketId } },
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  return answered(outcome);
}

/** `fetch` throws a `TypeError` if it cannot connect, and the time limit's own error if no response arrives. */
function isTemporary(error: unknown): boolean {
  if (error instanceof ServiceError) {
    return TEMPORARY_STATUSES.includes(error.status);
  }
  return error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
}

/** Waits; rejects with the signal's reason if it is aborted. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
