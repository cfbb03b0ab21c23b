/**
 * Watches tickets through Firestore, to which a browser can listen.
 *
 * The security rules let a signed-in user read their own tickets and the tickets' parts. The Firebase SDK reconnects by
 * itself. This module needs the package `firebase`, which the rest of the client does not.
 */

import type { FirebaseApp } from "firebase/app";
import {
  collection,
  doc,
  getFirestore,
  onSnapshot,
  orderBy,
  query,
  where,
  type DocumentData,
  type Timestamp,
} from "firebase/firestore";

import { deltaEvent, type TicketEvent, type TicketStatus, type ToolCall } from "./events.js";
import type { ChatResult, Ticket } from "./tickets.js";
import type { EventSource } from "./watching.js";

const PARTS_PER_ATTEMPT = 1_000_000;
/** How long the last parts of a result may take after its ticket has ended. After that, the result itself is used. */
const LAST_PARTS_MS = 3_000;

/** Returns a source for `watchTicket(client, ticketId, { firebase: fromFirebase(app) })`. */
export function fromFirebase(app: FirebaseApp): EventSource {
  return async function* (ticketId, startingAfter, signal) {
    const ticket = doc(getFirestore(app), "tickets", ticketId);
    const parts = query(collection(ticket, "parts"), where("n", ">", startingAfter), orderBy("n"));
    const answer = new Answer(ticketId, startingAfter);
    const changes = new Changes(signal);
    const stops = [
      onSnapshot(ticket, (snapshot) => changes.note(() => answer.setTicket(snapshot.data())), changes.fail),
      onSnapshot(
        parts,
        (snapshot) => {
          const added = snapshot.docChanges().filter((change) => change.type === "added");
          changes.note(() => answer.addParts(added.map((change) => change.doc.data() as Part)));
        },
        changes.fail,
      ),
    ];
    try {
      while (!answer.isDone) {
        await changes.next(answer.isEnding ? LAST_PARTS_MS : undefined);
        yield* answer.takeEvents(changes.timedOut);
      }
    } finally {
      stops.forEach((stop) => stop());
      changes.close();
    }
  };
}

interface Part {
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
class Answer {
  isDone = false;
  readonly #id: string;
  readonly #parts: Part[] = [];
  #ticket: StoredTicket | undefined;
  #cursor: number;
  #content = "";
  #isWhole: boolean;
  #shown = "";

  constructor(id: string, cursor: number) {
    this.#id = id;
    this.#cursor = cursor;
    this.#isWhole = cursor === 0;
  }

  /** Whether the ticket has ended, but not all of its parts have arrived. */
  get isEnding(): boolean {
    return this.#ticket !== undefined && isFinished(this.#ticket.status) && !this.isDone;
  }

  setTicket(data: DocumentData | undefined): void {
    if (data === undefined) {
      throw new Error("The ticket does not exist any more.");
    }
    this.#ticket = data as StoredTicket;
  }

  addParts(parts: Part[]): void {
    this.#parts.push(...parts);
    this.#parts.sort((one, other) => one.n - other.n);
  }

  /** Returns the new events. With `waitsNoLonger`, what is missing at the end comes from the result. */
  takeEvents(waitsNoLonger: boolean): TicketEvent[] {
    const ticket = this.#ticket;
    if (!ticket) {
      return [];
    }
    const events = this.#restartIfVoid(ticket);
    const shown = `${ticket.status} ${ticket.attempts}`;
    if (shown !== this.#shown && !isFinished(ticket.status)) {
      events.push({ type: "status", status: ticket.status, attempt: ticket.attempts });
    }
    this.#shown = shown;
    for (const part of this.#parts) {
      if (part.n > this.#cursor && part.attempt === ticket.attempts) {
        events.push(part.tool_calls ? { type: "tool", toolCalls: part.tool_calls } : deltaEvent(part));
        this.#cursor = part.n;
        this.#content += part.content ?? "";
      }
    }
    if (isFinished(ticket.status)) {
      const result = ticket.result === null ? null : (JSON.parse(ticket.result) as ChatResult);
      if (result === null || this.#cursor >= (ticket.last_part ?? 0) || waitsNoLonger) {
        events.push(...this.#end(ticket, result));
      }
    }
    return events;
  }

  #restartIfVoid(ticket: StoredTicket): TicketEvent[] {
    const start = Math.max(ticket.void_parts ?? 0, Math.max(0, ticket.attempts - 1) * PARTS_PER_ATTEMPT);
    const isVoid = this.#cursor < start;
    const hadParts = this.#cursor > 0;
    if (!isVoid) {
      return [];
    }
    this.#cursor = start;
    this.#content = "";
    this.#isWhole = true;
    return hadParts ? [{ type: "restart" }] : [];
  }

  #end(ticket: StoredTicket, result: ChatResult | null): TicketEvent[] {
    this.isDone = true;
    const rest = result && this.#isWhole ? result.content.slice(this.#content.length) : "";
    const done: TicketEvent = { type: "done", ticket: toTicket(this.#id, ticket, result) };
    return rest ? [deltaEvent({ content: rest }), done] : [done];
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

/** Lets an async generator wait for what callbacks report. */
class Changes {
  timedOut = false;
  readonly #signal: AbortSignal;
  readonly #abort = (): void => this.fail(this.#signal.reason);
  #error: { reason: unknown } | undefined;
  #hasChanged = false;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#abort);
  }

  /** Applies a change, and wakes the reader. */
  note(apply: () => void): void {
    try {
      apply();
    } catch (error) {
      this.fail(error);
    }
    this.#hasChanged = true;
    this.#wake?.();
  }

  /** Ends the wait with an error. */
  readonly fail = (reason: unknown): void => {
    this.#error ??= { reason };
    this.#wake?.();
  };

  /** Waits for the next change, at most for `ms` if given; then `timedOut` is true. Throws the error, if any. */
  async next(ms?: number): Promise<void> {
    this.#signal.throwIfAborted();
    if (!this.#hasChanged && !this.#error) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (ms !== undefined) {
          setTimeout(() => {
            this.timedOut = !this.#hasChanged;
            resolve();
          }, ms);
        }
      });
    }
    this.#hasChanged = false;
    if (this.#error) {
      throw this.#error.reason;
    }
  }

  close(): void {
    this.#signal.removeEventListener("abort", this.#abort);
  }
}
