/**
 * Sends again what may be sent again: chats and calls of published agents, each under an `Idempotency-Key` of its own.
 *
 * The service does once what comes twice under a key, so an answer that was lost on its way is asked for again. No
 * other request is sent more than once.
 */

const KEY_HEADER = "Idempotency-Key";
const KEYED = /\/(chat|rest\/[^/]+)\/?$/;
const MOST_TRIES = 5;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;
/** A longer `Retry-After` is for the caller to decide on. */
const LONGEST_ASKED_MS = 30_000;
/** How long the first of two requests may run while the second waits for its answer. */
const LONGEST_RUN_MS = 120_000;
const AGAIN = [429, 503];
const RUNNING = 409;
/** What something before the service answers, when it got no answer from it. */
const NOT_ARRIVED = [502, 503, 504];

/** `fetch`, for requests of this service. */
export async function send(request: Request): Promise<Response> {
  if (request.method !== "POST" || !KEYED.test(new URL(request.url).pathname)) {
    return fetch(request);
  }
  if (!request.headers.has(KEY_HEADER)) {
    request.headers.set(KEY_HEADER, newKey());
  }
  const waitsUntil = Date.now() + LONGEST_RUN_MS;
  let pauseMs = FIRST_PAUSE_MS;
  for (let tries = 1; ; ) {
    const outcome = await sendOnce(request);
    const askedMs = outcome instanceof Response ? retryAfterMs(outcome) : undefined;
    if (outcome instanceof Response && outcome.status === RUNNING && askedMs !== undefined) {
      if (Date.now() + askedMs >= waitsUntil) {
        return outcome;
      }
      await pause(askedMs, request.signal);
      continue;
    }
    if (tries >= MOST_TRIES || !passes(outcome, askedMs) || (askedMs ?? 0) > LONGEST_ASKED_MS) {
      if (outcome instanceof Response) {
        return outcome;
      }
      throw outcome.error;
    }
    await pause((askedMs ?? 0) + pauseMs * (0.5 + Math.random() / 2), request.signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    tries += 1;
  }
}

interface Failure {
  error: unknown;
}

/** The whole answer: one that breaks off is a failure. Throws when the request was aborted. */
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

function passes(outcome: Response | Failure, askedMs: number | undefined): boolean {
  if (!(outcome instanceof Response)) {
    return true;
  }
  const own = outcome.headers.get("Content-Type")?.startsWith("application/json") ?? false;
  return own ? AGAIN.includes(outcome.status) && askedMs !== undefined : NOT_ARRIVED.includes(outcome.status);
}

function retryAfterMs(response: Response): number | undefined {
  const header = response.headers.get("Retry-After");
  return header !== null && /^\d+$/.test(header) ? Number(header) * 1000 : undefined;
}

/** A random UUID, also for pages without a secure context, which have no `crypto.randomUUID`. */
function newKey(): string {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("").replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

/** Rejects with the signal's reason when that is aborted. */
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
