/**
 * Retries requests that are safe to repeat: chats and calls to published agents, each with its own `Idempotency-Key`.
 *
 * The service processes a request only once per key, so the client can safely repeat a request whose response was
 * lost. No other request is sent more than once.
 */

const KEY_HEADER = "Idempotency-Key";
const KEYED_PATH = /\/(chat|runs|rest\/[^/]+)\/?$/;
const MAX_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 8_000;
/** The longest `Retry-After` that the client waits for. If it is longer, the caller decides whether to retry. */
const MAX_RETRY_AFTER_MS = 30_000;
/** The maximum time that a repeated request waits while the first one is still running. */
const MAX_RUN_WAIT_MS = 120_000;
const RETRY_STATUSES = [429, 503];
const RUNNING_STATUS = 409;
/** The statuses that a proxy returns if it got no response from the service. */
const PROXY_STATUSES = [502, 503, 504];

/** Sends a request like `fetch`, and retries it if it is safe to repeat. */
export async function send(request: Request): Promise<Response> {
  if (request.method !== "POST" || !KEYED_PATH.test(new URL(request.url).pathname)) {
    return fetch(request);
  }
  if (!request.headers.has(KEY_HEADER)) {
    request.headers.set(KEY_HEADER, newKey());
  }
  const waitDeadline = Date.now() + MAX_RUN_WAIT_MS;
  let pauseMs = FIRST_PAUSE_MS;
  for (let attempts = 1; ; ) {
    const outcome = await sendOnce(request);
    const retryMs = outcome instanceof Response ? retryAfterMs(outcome) : undefined;
    if (outcome instanceof Response && outcome.status === RUNNING_STATUS && retryMs !== undefined) {
      if (Date.now() + retryMs >= waitDeadline) {
        return outcome;
      }
      await pause(retryMs, request.signal);
      continue;
    }
    if (attempts >= MAX_ATTEMPTS || !isTemporary(outcome, retryMs) || (retryMs ?? 0) > MAX_RETRY_AFTER_MS) {
      if (outcome instanceof Response) {
        return outcome;
      }
      throw outcome.error;
    }
    await pause((retryMs ?? 0) + pauseMs * (0.5 + Math.random() / 2), request.signal);
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    attempts += 1;
  }
}

interface Failure {
  error: unknown;
}

/** Returns the complete response; an incomplete one is a failure. Throws if the request was aborted. */
async function sendOnce(request: Request): Promise<Response | Failure> {
  try {
    const response = await fetch(request.clone());
    const { status, statusText, headers } = response;
    return new Response(await response.arrayBuffer(), { status, statusText, headers });
  } catch (error) {
    request.signal.throwIfAborted();
    return { error };
  }
}

function isTemporary(outcome: Response | Failure, retryMs: number | undefined): boolean {
  if (!(outcome instanceof Response)) {
    return true;
  }
  const isFromService = outcome.headers.get("Content-Type")?.startsWith("application/json") ?? false;
  return isFromService
    ? RETRY_STATUSES.includes(outcome.status) && retryMs !== undefined
    : PROXY_STATUSES.includes(outcome.status);
}

function retryAfterMs(response: Response): number | undefined {
  const header = response.headers.get("Retry-After");
  return header !== null && /^\d+$/.test(header) ? Number(header) * 1000 : undefined;
}

/** Returns a random UUID. Also works in pages without a secure context, which have no `crypto.randomUUID`. */
function newKey(): string {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("").replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

/** Waits for `ms` milliseconds. Rejects with the signal's reason if the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, { once: true });
  });
}
