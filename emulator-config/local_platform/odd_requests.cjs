// Loaded first into the emulator suite, for three kinds of requests that its Hosting answers with 500 in plain text and
// does not forward. They are rewritten into a form that it supports, so that the function answers as in the cloud.
"use strict";

const http = require("node:http");

const emit = http.Server.prototype.emit;
const PERCENT_BYTES = /(?:%[0-9a-f]{2})+|%/gi;

http.Server.prototype.emit = function (event, request, ...rest) {
  if (event === "request") tame(request);
  return emit.call(this, event, request, ...rest);
};

function tame(request) {
  // Node has decoded the chunks and asked for the body already; if forwarded, either header breaks the proxy.
  delete request.headers["transfer-encoding"];
  delete request.headers["expect"];
  const [path] = request.url.split("?", 1);
  request.url = decodable(path) + request.url.slice(path.length);
}

// Invalid UTF-8 becomes the replacement character, as a function's own server reads it.
function decodable(path) {
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
