/** Opens a client for an address, with a token provider. */

import createClient, { type Client } from "openapi-fetch";

import { send } from "./resending.js";
import type { paths } from "./schema.js";

export type ServiceClient = Client<paths>;

/** Returns a valid Firebase ID token, such as `() => user.getIdToken()`. It is called before every request. */
export type TokenProvider = () => string | Promise<string>;

/** Returns the address of `make run`. */
export function localAddress(port = 8000): string {
  return `http://127.0.0.1:${port}/api`;
}

/** Returns the address of a Firebase project's Hosting site, which serves all functions. */
export function hostingAddress(project: string): string {
  return `https://${project}.web.app/api`;
}

/** Returns one function's own address, which serves only that function's operations. */
export function functionAddress(name: string, project: string, region = "us-central1"): string {
  return `https://${region}-${project}.cloudfunctions.net/${name}`;
}

/**
 * Opens a client. A page that Hosting serves may use `"/api"` as the address. `token`: omit it if no token is needed.
 *
 * Chats and calls of published agents have an `Idempotency-Key`. They are sent again with the same key, up to four
 * times, if the response is lost or the service asks for a retry soon. Pass your own key to send one again later.
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
