// Loaded into the emulator suite before all else, for three kinds of requests that its Hosting answers with 500 in plain
// text, and never hands on. Each is put into a form that it knows, and the function answers as it does in the cloud.
"use strict";

const http = require("node:http");

const emit = http.Server.prototype.emit;
const PERCENT_BYTES = /(?:%[0-9a-f]{2})+|%/gi;

http.Server.prototype.emit = function (event, request, ...rest) {
  if (event === "request") tame(request);
  return emit.call(this, event, request, ...rest);
};

function tame(request) {
  // Node has taken the chunks apart, and answered that it wants the body: passed on, either header breaks the proxy.
  delete request.headers["transfer-encoding"];
  delete request.headers["expect"];
  const [path] = request.url.split("?", 1);
  request.url = decodable(path) + request.url.slice(path.length);
}

// What is no UTF-8 becomes the character that stands for such: as a function's own server reads it.
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
