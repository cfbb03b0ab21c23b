/** Turns a call's outcome into its answer, or into an error that describes the problem. */

import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** The body of an error. `detail` is a sentence or, for a request that does not validate, a list. */
export type ErrorBody =
  | Schemas["Error"]
  | Schemas["Invalid"]
  | Schemas["FailedCode"]
  | Schemas["FailedRun"]
  | Schemas["UnknownOutcome"];

/** An answer of 400 or more. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** The HTTP status. */
  readonly status: number;
  /** The service's error; missing if the service itself did not answer. */
  readonly body: ErrorBody | undefined;
  /** Seconds to wait before a retry, if given. */
  readonly retryAfter: number | undefined;
  /** The id for the service's operator. */
  readonly requestId: string | undefined;

  constructor(response: Response, said: unknown) {
    const body = isErrorBody(said) ? said : undefined;
    super(`${response.status}: ${sentence(body)}`);
    this.status = response.status;
    this.body = body;
    this.retryAfter = seconds(response.headers.get("Retry-After"));
    this.requestId = response.headers.get("X-Request-Id") ?? undefined;
  }
}

/** Returns the answer in the outcome of `client.GET(…)` and the like. Throws `ServiceError`. */
export function answered<T>(outcome: { data?: T; error?: unknown; response: Response }): T {
  if (!outcome.response.ok) {
    throw new ServiceError(outcome.response, outcome.error);
  }
  return outcome.data as T; // undefined only for 204, as its type says
}

function isErrorBody(said: unknown): said is ErrorBody {
  if (typeof said !== "object" || said === null || !("detail" in said)) {
    return false;
  }
  return typeof said.detail === "string" || Array.isArray(said.detail);
}

function sentence(body: ErrorBody | undefined): string {
  if (!body) {
    return "not the service's own answer";
  }
  return typeof body.detail === "string"
    ? body.detail
    : body.detail.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
}

function seconds(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}
