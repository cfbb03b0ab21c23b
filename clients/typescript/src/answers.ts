/** From a call's outcome to its answer, or to an error that says what went wrong. */

import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** What the service says of an error. `detail` is a sentence, or of what does not validate, a list. */
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
  /** What the service says; missing if it was not the service that answered. */
  readonly body: ErrorBody | undefined;
  /** Seconds to wait before trying again, if it said so. */
  readonly retryAfter: number | undefined;
  /** For whoever runs the service. */
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

/** The answer in what `client.GET(…)` and the like resolve to. Throws `ServiceError`. */
export function answered<T>(outcome: { data?: T; error?: unknown; response: Response }): T {
  if (!outcome.response.ok) {
    throw new ServiceError(outcome.response, outcome.error);
  }
  return outcome.data as T; // undefined for 204 alone, which is what its type says
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
