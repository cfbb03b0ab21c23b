/** Watches a run: yields what an agent does and prints while it does, and continues after every interruption. */

import type { ServiceClient } from "./connection.js";
import type { ServerEvent } from "./event-stream.js";
import type { StatusEvent } from "./events.js";
import type { components } from "./schema.js";
import { fromService, watch, type WatchOptions } from "./watching.js";

export type Run = components["schemas"]["Run"];
export type Step = components["schemas"]["Step"];

/** A step of the run began or ended. A step with the same `call` as an earlier one replaces it. `id`: see `watchRun`. */
export interface StepEvent {
  type: "step";
  id: number;
  step: Step;
}

/** The run printed a line. `at`: when, as RFC 3339. */
export interface LogEvent {
  type: "log";
  id: number;
  at: string;
  text: string;
}

/** The run has ended: `completed`, `failed` or `cancelled`. It is always the last event. */
export interface RunDoneEvent {
  type: "done";
  id: number;
  run: Run;
}

export type RunEvent = StatusEvent | StepEvent | LogEvent | RunDoneEvent;

/**
 * Yields the run's events until it has ended. A status event says when it waits for a person.
 *
 * If the connection breaks or the service is temporarily unavailable, continues after the last event, whose `id` is a
 * cursor. Throws `TicketTimeout`, and `ServiceError` for an error that waiting cannot resolve, such as an unknown run.
 */
export async function* watchRun(
  client: ServiceClient,
  runId: string,
  options: Omit<WatchOptions, "firebase"> = {},
): AsyncGenerator<RunEvent, void, undefined> {
  yield* watch(fromService(client, "/runs/{run_id}/events", "run_id", toEvent), runId, options);
}

/** Returns the event, or `undefined` for one of a newer version of the service. */
function toEvent({ name, data }: ServerEvent, id: number): RunEvent | undefined {
  switch (name) {
    case "status": {
      const { status, attempt } = data as Omit<StatusEvent, "type">;
      return { type: "status", status, attempt };
    }
    case "step":
      return { type: "step", id, step: data as Step };
    case "log":
      return { type: "log", id, ...(data as { at: string; text: string }) };
    case "done":
      return { type: "done", id, run: data as Run };
    default:
      return undefined;
  }
}
