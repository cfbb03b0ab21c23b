/**
 * A typed client of the Firebase agents service.
 *
 * `schema.ts` is generated and has the types of all operations. The hand-written part: `connect` opens a client;
 * `answered` returns a call's result or throws; `waitForTicket` waits for a chat.
 */

export { answered, ServiceError, type ErrorBody } from "./answers.js";
export {
  connect,
  functionAddress,
  hostingAddress,
  localAddress,
  type ServiceClient,
  type TokenProvider,
} from "./connection.js";
export type { components, operations, paths } from "./schema.js";
export { TicketFailed, TicketTimeout, waitForTicket, type ChatResult, type Ticket, type Waiting } from "./tickets.js";
