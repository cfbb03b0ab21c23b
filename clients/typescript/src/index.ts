/**
 * A typed client for the Firebase agents service.
 *
 * `schema.ts` is generated and has the types of all operations. This package adds `connect`, which opens a client,
 * `unwrap`, which returns a call's result or throws, `waitForTicket`, which waits for a chat's result, and
 * `watchTicket` and `watchRun`, which yield an answer and what an agent does while it happens.
 */

export { ServiceError, unwrap, type ErrorBody } from "./answers.js";
export {
  connect,
  functionAddress,
  hostingAddress,
  localAddress,
  type ServiceClient,
  type TokenProvider,
} from "./connection.js";
export type {
  DeltaEvent,
  DoneEvent,
  RestartEvent,
  StatusEvent,
  TicketEvent,
  ToolEvent,
} from "./events.js";
export { watchRun, type LogEvent, type Run, type RunDoneEvent, type RunEvent, type Step, type StepEvent } from "./runs.js";
export type { components, operations, paths } from "./schema.js";
export {
  TicketCancelled,
  TicketFailed,
  TicketTimeout,
  waitForTicket,
  type ChatResult,
  type Ticket,
  type WaitOptions,
} from "./tickets.js";
export { watchTicket, type EventSource, type WatchOptions } from "./watching.js";
