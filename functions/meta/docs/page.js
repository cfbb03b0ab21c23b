// Shows the OpenAPI document. Requests are sent to the address that served this page: its policy allows no other.
"use strict";

const root = location.pathname.replace(/\/docs$/, "");

async function show() {
  const spec = await (await fetch(`${root}/openapi.json`)).json();
  if (root === "" || root === "/api") {
    const current = { url: location.origin + root, description: "the address that served this page" };
    spec.servers = [current, ...spec.servers.filter((server) => server.url !== current.url)];
  }
  SwaggerUIBundle({ spec, dom_id: "#page", deepLinking: true, displayRequestDuration: true, validatorUrl: null });
}

show();
