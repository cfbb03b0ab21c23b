// Node.js loads this script before the emulator suite. It handles three kinds of requests that the suite's Hosting does
// not forward, but rejects with 500 and plain text. They are rewritten into a form that Hosting supports, so that the
// function handles them as in the cloud.
"use strict";

const http = require("node:http");

const emit = http.Server.prototype.emit;
const PERCENT_BYTES = /(?:%[0-9a-f]{2})+|%/gi;

http.Server.prototype.emit = function (event, request, ...rest) {
  if (event === "request") normalize(request);
  return emit.call(this, event, request, ...rest);
};

function normalize(request) {
  // Node.js has already decoded the chunks and requested the body. If forwarded, either header would break the proxy.
  delete request.headers["transfer-encoding"];
  delete request.headers["expect"];
  const [path] = request.url.split("?", 1);
  request.url = toDecodable(path) + request.url.slice(path.length);
}

// Replaces invalid UTF-8 with the replacement character, as a function's own server does.
function toDecodable(path) {
  return path.replace(PERCENT_BYTES, (escaped) => {
    try {
      decodeURIComponent(escaped);
      return escaped;
    } catch {
      const bytes = escaped === "%" ? Buffer.from("%") : Buffer.from(escaped.replaceAll("%", ""), "hex");
      return encodeURIComponent(bytes.toString("utf8"));
    }
  });
}
