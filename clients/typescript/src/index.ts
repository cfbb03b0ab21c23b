/**
 * A typed client of the Firebase agents service.
 *
 * `schema.ts` is generated and has the types of all operations. Beside it: `connect`, which opens a client;
 * `answered`, which takes an answer or throws; and waiting for a chat's ticket.
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
