// Node.js loads this script before the emulator suite. It counts the requests to functions that are under way, including
// the queue's, and reports the number at `/__under_way` on each of the suite's ports. The suite itself does not report
// this number.
"use strict";

const http = require("node:http");

const emit = http.Server.prototype.emit;
const TO_A_FUNCTION = /^\/demo-[^/]+\/[^/]+\/|^\/functions\/projects\//;
let underWay = 0;

http.Server.prototype.emit = function (event, request, response, ...rest) {
  if (event === "request") {
    if (request.url === "/__under_way") {
      response.end(JSON.stringify({ requests: underWay }));
      return true;
    }
    if (TO_A_FUNCTION.test(request.url)) {
      underWay += 1;
      response.once("close", () => (underWay -= 1)); // the request is answered, or its caller has disconnected
    }
  }
  return emit.call(this, event, request, response, ...rest);
};
