// Shows the document. Requests that are tried go to where this page came from, as no other address may be called.
"use strict";

const root = location.pathname.replace(/\/docs$/, "");

async function show() {
  const spec = await (await fetch(`${root}/openapi.json`)).json();
  if (root === "" || root === "/api") {
    const here = { url: location.origin + root, description: "where this page came from" };
    spec.servers = [here, ...spec.servers.filter((server) => server.url !== here.url)];
  }
  SwaggerUIBundle({ spec, dom_id: "#page", deepLinking: true, displayRequestDuration: true, validatorUrl: null });
}

show();
