/** Opens a client: at which address, and with whose token. */

import createClient, { type Client } from "openapi-fetch";

import { send } from "./resending.js";
import type { paths } from "./schema.js";

export type ServiceClient = Client<paths>;

/** Gives a Firebase ID token that is good now, as `() => user.getIdToken()` does. It is asked before every request. */
export type TokenProvider = () => string | Promise<string>;

/** What `make run` serves. */
export function localAddress(port = 8000): string {
  return `http://127.0.0.1:${port}/api`;
}

/** The Hosting site of a Firebase project, which leads to all functions. */
export function hostingAddress(project: string): string {
  return `https://${project}.web.app/api`;
}

/** One function's own address. It answers that function's operations alone. */
export function functionAddress(name: string, project: string, region = "us-central1"): string {
  return `https://${region}-${project}.cloudfunctions.net/${name}`;
}

/**
 * A client. A page that Hosting serves may give `"/api"` for the address. `token`: none where none is needed.
 *
 * A chat, and a call of a published agent, has an `Idempotency-Key`, and is sent again under it, up to four times, when
 * its answer is lost or it should come again soon. Give a key yourself to send it again later.
 */
export function connect(baseUrl: string, token?: TokenProvider): ServiceClient {
  const client = createClient<paths>({ baseUrl, fetch: send });
  if (token) {
    client.use({
      async onRequest({ request }) {
        request.headers.set("Authorization", `Bearer ${await token()}`);
        return request;
      },
    });
  }
  return client;
}
