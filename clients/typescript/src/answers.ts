/** Turns the outcome of a call into its result, or throws an error that describes the problem. */

import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** The body of an error response. `detail` is a sentence or, for an invalid request, a list of problems. */
export type ErrorBody =
  | Schemas["Error"]
  | Schemas["Invalid"]
  | Schemas["FailedCode"]
  | Schemas["FailedRun"]
  | Schemas["UnknownOutcome"];

/** The service, or a proxy in front of it, responded with a status of 400 or higher. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** The HTTP status. */
  readonly status: number;
  /** The service's error, or `undefined` if the response is not from the service itself. */
  readonly body: ErrorBody | undefined;
  /** The number of seconds to wait before a retry, if the response has a `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** Identifies the request in the service's logs; include it when you contact the operator. */
  readonly requestId: string | undefined;

  constructor(response: Response, parsed: unknown) {
    const body = isErrorBody(parsed) ? parsed : undefined;
    super(`${response.status}: ${sentence(body)}`);
    this.status = response.status;
    this.body = body;
    this.retryAfter = seconds(response.headers.get("Retry-After"));
    this.requestId = response.headers.get("X-Request-Id") ?? undefined;
  }
}

/** Returns the result of `client.GET(…)` or another method. Throws `ServiceError`. */
export function unwrap<T>(outcome: { data?: T; error?: unknown; response: Response }): T {
  if (!outcome.response.ok) {
    throw new ServiceError(outcome.response, outcome.error);
  }
  return outcome.data as T; // undefined only for 204, whose type says so
}

function isErrorBody(parsed: unknown): parsed is ErrorBody {
  if (typeof parsed !== "object" || parsed === null || !("detail" in parsed)) {
    return false;
  }
  return typeof parsed.detail === "string" || Array.isArray(parsed.detail);
}

function sentence(body: ErrorBody | undefined): string {
  if (!body) {
    return "the response is not from the service itself";
  }
  return typeof body.detail === "string"
    ? body.detail
    : body.detail.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
}

function seconds(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}
