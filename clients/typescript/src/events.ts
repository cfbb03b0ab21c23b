/** The events of a ticket that is watched. */

import type { components } from "./schema.js";
import type { Ticket } from "./tickets.js";

export type TicketStatus = components["schemas"]["TicketStatus"];
/** A tool call that is left to the caller, in the format of OpenAI's chat API. */
export type ToolCall = Record<string, unknown>;

/** The next piece of the answer, or of the model's reasoning. The other one is empty. `id`: the cursor after it. */
export interface DeltaEvent {
  type: "delta";
  id: number;
  content: string;
  reasoning: string;
}

export interface ToolEvent {
  type: "tool";
  id: number;
  toolCalls: ToolCall[];
}

/** The ticket's status, at the beginning and when it changes. */
export interface StatusEvent {
  type: "status";
  status: TicketStatus;
  attempt: number;
}

/** The answer begins again: discard all earlier deltas and tool calls. */
export interface RestartEvent {
  type: "restart";
  id: number;
}

/** The ticket has ended: `completed`, `failed` or `cancelled`. It is always the last event. */
export interface DoneEvent {
  type: "done";
  id: number;
  ticket: Ticket;
}

export type TicketEvent = DeltaEvent | ToolEvent | StatusEvent | RestartEvent | DoneEvent;

export function deltaEvent(
  id: number,
  part: { content?: string | null; reasoning?: string | null },
): DeltaEvent {
  return { type: "delta", id, content: part.content ?? "", reasoning: part.reasoning ?? "" };
}
