/** Derives the events of a ticket from its documents in Firestore. */

import { deltaEvent, type TicketEvent, type TicketStatus, type ToolCall } from "./events.js";
import type { ChatResult, Ticket } from "./tickets.js";

const PARTS_PER_ATTEMPT = 1_000_000;

/** The part of Firestore's `Timestamp` that is used here. */
interface Timestamp {
  toDate(): Date;
}

/** A part, as it is stored. */
export interface Part {
  n: number;
  attempt: number;
  content?: string;
  reasoning?: string;
  tool_calls?: ToolCall[];
}

interface StoredTicket {
  status: TicketStatus;
  attempts: number;
  void_parts?: number;
  last_part?: number;
  result: string | null;
  error: string | null;
  created_at: Timestamp;
  updated_at: Timestamp;
  completed_at: Timestamp | null;
}

/** The state of one ticket, from which it derives the events that the reader does not have yet. */
export class StoredAnswer {
  isDone = false;
  readonly #id: string;
  readonly #parts = new Map<number, Part>();
  #ticket: StoredTicket | undefined;
  #hasAllParts = false;
  #cursor: number;
  /** The number before the first part that counts, once the ticket is known. */
  #start: number | undefined;
  /** Whether the reader has everything from the beginning of the answer, and that content. */
  #isWhole = false;
  #content = "";
  #shown = "";

  constructor(id: string, cursor: number) {
    this.#id = id;
    this.#cursor = cursor;
  }

  /** Whether the ticket has ended, and Firestore has reported its parts, but some of them are missing. */
  get lacksParts(): boolean {
    return this.#ticket !== undefined && isFinished(this.#ticket.status) && this.#hasAllParts && !this.isDone;
  }

  /** Takes a version of the ticket. Until Firestore is reached, it may be missing from the cache. */
  setTicket(data: object | undefined, isFromCache: boolean): void {
    if (data !== undefined) {
      this.#ticket = data as StoredTicket;
    } else if (!isFromCache) {
      throw new Error("The ticket does not exist any more.");
    }
  }

  addParts(parts: readonly Part[], isFromCache: boolean): void {
    parts.forEach((part) => this.#parts.set(part.n, part));
    this.#hasAllParts ||= !isFromCache;
  }

  /** Returns the new events. If missing parts are not coming any more, the rest comes from the result. */
  takeEvents(mayComeLater: boolean): TicketEvent[] {
    const ticket = this.#ticket;
    if (!ticket || this.isDone) {
      return [];
    }
    const start = Math.max(ticket.void_parts ?? 0, Math.max(0, ticket.attempts - 1) * PARTS_PER_ATTEMPT);
    const events = this.#isVoid(start, ticket.void_parts) ? this.#beginAgain(start) : [];
    if (this.#start === undefined) {
      this.#isWhole = this.#cursor === start;
    }
    this.#start = start;
    const shown = `${ticket.status} ${ticket.attempts}`;
    if (shown !== this.#shown && !isFinished(ticket.status)) {
      events.push({ type: "status", status: ticket.status, attempt: ticket.attempts });
    }
    this.#shown = shown;
    for (let part = this.#next(ticket); part; part = this.#next(ticket)) {
      this.#cursor = part.n;
      this.#content += part.content ?? "";
      events.push(part.tool_calls ? { type: "tool", id: part.n, toolCalls: part.tool_calls } : deltaEvent(part.n, part));
    }
    if (isFinished(ticket.status)) {
      const result = ticket.result === null ? null : (JSON.parse(ticket.result) as ChatResult);
      if (result === null || this.#cursor >= (ticket.last_part ?? 0) || !mayComeLater) {
        events.push(...this.#end(ticket, result, start));
      }
    }
    return events;
  }

  /** Returns the part after the last one that the reader has. A later part waits for those before it. */
  #next(ticket: StoredTicket): Part | undefined {
    const part = this.#parts.get(this.#cursor + 1);
    return part?.attempt === ticket.attempts ? part : undefined;
  }

  /** Whether what the reader has does not belong to the answer, or may not if it has continued at this number. */
  #isVoid(start: number, voidParts = 0): boolean {
    return this.#start === undefined
      ? this.#cursor < start || (this.#cursor === start && start === voidParts && start > 0)
      : start !== this.#start;
  }

  #beginAgain(start: number): TicketEvent[] {
    const hadParts = this.#cursor > 0;
    this.#cursor = start;
    this.#content = "";
    this.#isWhole = true;
    return hadParts ? [{ type: "restart", id: start }] : [];
  }

  #end(ticket: StoredTicket, result: ChatResult | null, start: number): TicketEvent[] {
    this.isDone = true;
    const events: TicketEvent[] = [];
    const last = ticket.last_part ?? 0;
    if (result && last <= start && this.#cursor > start) {
      events.push(...this.#beginAgain(start)); // the result has no parts, so those that the reader has are not of it
    }
    const id = Math.max(this.#cursor, last);
    const rest = result && this.#isWhole ? result.content.slice(this.#content.length) : "";
    if (rest) {
      events.push(deltaEvent(id, { content: rest }));
    }
    return [...events, { type: "done", id, ticket: toTicket(this.#id, ticket, result) }];
  }
}

function isFinished(status: TicketStatus): boolean {
  return status !== "pending" && status !== "processing";
}

function toTicket(id: string, ticket: StoredTicket, result: ChatResult | null): Ticket {
  const { status, error, created_at, updated_at, completed_at } = ticket;
  return {
    ticket_id: id,
    status,
    result,
    error,
    created_at: toText(created_at),
    updated_at: toText(updated_at),
    completed_at: completed_at && toText(completed_at),
  };
}

function toText(time: Timestamp): string {
  return time.toDate().toISOString();
}
