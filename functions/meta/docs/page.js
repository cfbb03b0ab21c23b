// Shows the OpenAPI document. Requests go to the address that served this page, the only one that its policy allows.
"use strict";

const root = location.pathname.replace(/\/docs$/, "");

async function show() {
  const spec = await (await fetch(`${root}/openapi.json`)).json();
  if (root === "" || root === "/api") {
    const thisServer = { url: location.origin + root, description: "the address that served this page" };
    spec.servers = [thisServer, ...spec.servers.filter((server) => server.url !== thisServer.url)];
  }
  SwaggerUIBundle({ spec, dom_id: "#page", deepLinking: true, displayRequestDuration: true, validatorUrl: null });
}

show();
