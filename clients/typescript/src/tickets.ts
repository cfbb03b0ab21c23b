/** Waits for a chat's result: looks up its ticket at growing intervals until the ticket is finished. */

import { ServiceError, unwrap } from "./answers.js";
import type { ServiceClient } from "./connection.js";
import type { components } from "./schema.js";

export type Ticket = components["schemas"]["ChatResponse"];
export type ChatResult = components["schemas"]["ChatResult"];

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
const PAUSE_GROWTH = 1.5;
const MAX_LOOK_UP_MS = 30_000;
/** The statuses after which the ticket is looked up again. They do not mean that the chat failed. */
const TEMPORARY_STATUSES = [429, 500, 502, 503, 504];

/** The chat ended without an answer. Its message is meant for the user. */
export class TicketFailed extends Error {
  override readonly name: string = "TicketFailed";
  readonly ticket: Ticket;

  constructor(ticket: Ticket) {
    super(ticket.error ?? `The chat was ${ticket.status}.`);
    this.ticket = ticket;
  }
}

/** The chat was cancelled. `ticket.result` is what the model had said until then, or null. */
export class TicketCancelled extends TicketFailed {
  override readonly name: string = "TicketCancelled";
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

/** `timeoutMs`: the maximum total time. `signal`: if it is aborted, the wait ends with its reason. */
export interface WaitOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Waits for the ticket's result and returns it.
 *
 * Throws `TicketFailed`, `TicketCancelled`, `TicketTimeout`, and `ServiceError` for an error that waiting cannot
 * resolve, such as an unknown ticket or a missing token. After a temporary error (too many requests, an unavailable
 * service or network), it looks the ticket up again, after the time in `Retry-After` if the service sends one.
 */
export async function waitForTicket(
  client: ServiceClient,
  ticketId: string,
  options: WaitOptions = {},
): Promise<ChatResult> {
  const { timeoutMs = 300_000, signal } = options;
  const deadline = Date.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * PAUSE_GROWTH, MAX_PAUSE_MS)) {
    let failure: unknown;
    try {
      const ticket = await lookUp(client, ticketId, Math.min(MAX_LOOK_UP_MS, deadline - Date.now()), signal);
      if (ticket.status === "failed") {
        throw new TicketFailed(ticket);
      }
      if (ticket.status === "cancelled") {
        throw new TicketCancelled(ticket);
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

async function lookUp(
  client: ServiceClient,
  ticketId: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Ticket> {
  const timeoutSignal = AbortSignal.timeout(Math.max(1, timeoutMs));
  const outcome = await client.GET("/chat/{ticket_id}", {
    params: { path: { ticket_id: ticketId } },
    signal: signal ? AbortSignal.any([signal, timeoutSignal]) : timeoutSignal,
  });
  return unwrap(outcome);
}

/** `fetch` throws a `TypeError` if it cannot connect, and a `TimeoutError` if no response arrives in time. */
export function isTemporary(error: unknown): boolean {
  if (error instanceof ServiceError) {
    return TEMPORARY_STATUSES.includes(error.status);
  }
  return error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
}

/** Waits for `ms` milliseconds. Rejects with the signal's reason if the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
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
