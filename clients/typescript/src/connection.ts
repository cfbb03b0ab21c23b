/** Opens a client for an address, and adds the caller's token to each request. */

import createClient, { type Client } from "openapi-fetch";

import { send } from "./resending.js";
import type { paths } from "./schema.js";

export type ServiceClient = Client<paths>;

/** Returns a valid Firebase ID token, such as `() => user.getIdToken()`. It is called before every request. */
export type TokenProvider = () => string | Promise<string>;

/** Returns the address that `make run` serves. */
export function localAddress(port = 8000): string {
  return `http://127.0.0.1:${port}/api`;
}

/** Returns the address of a Firebase project's Hosting site, which serves all functions. */
export function hostingAddress(project: string): string {
  return `https://${project}.web.app/api`;
}

/** Returns the address of a single function, which serves only that function's operations. */
export function functionAddress(name: string, project: string, region = "us-central1"): string {
  return `https://${region}-${project}.cloudfunctions.net/${name}`;
}

/**
 * Opens a client. A page that Hosting serves can use `"/api"` as the address. Omit `token` if no token is needed.
 *
 * Chats and calls to published agents are sent with an `Idempotency-Key`. They are retried with the same key, up to
 * four times, if the response is lost or the service asks for a retry within 30 seconds. Pass your own key to be able to repeat a
 * request later.
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
