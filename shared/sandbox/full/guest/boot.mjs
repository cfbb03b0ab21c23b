// What Deno runs: boots CPython, hands it two functions, and gives up all else before any agent's code is read.
//
// With a snapshot beside it, CPython is as it was when the snapshot was made, a tenth of a second later. Without one,
// this makes it, sends it as its only message, and ends.

const here = new URL(".", import.meta.url);
const folder = decodeURIComponent(here.pathname);
const { stdin, stdout, exit, readFileSync, readTextFileSync, permissions } = Deno;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const MODULES = "/lib/agents";
const MOST_PAST = 1_000_000;

/** A message: its length in four bytes, the highest first, and its bytes: a line of JSON, and a text. */
function send(bytes) {
  const framed = new Uint8Array(4 + bytes.length);
  new DataView(framed.buffer).setUint32(0, bytes.length);
  framed.set(bytes, 4);
  for (let sent = 0; sent < framed.length;) sent += stdout.writeSync(framed.subarray(sent));
}

function read(length) {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = stdin.readSync(bytes.subarray(filled));
    if (count === null) exit(0);  // whoever started this is gone
    filled += count;
  }
  return bytes;
}

const write = (text) => send(encoder.encode(text));
const receive = () => decoder.decode(read(new DataView(read(4).buffer).getUint32(0)));

/** What JavaScript itself has, and what CPython asks of its surroundings when it runs. */
const KEPT = new Set([
  ...["Object", "Function", "Array", "Number", "parseFloat", "parseInt", "Infinity", "NaN", "undefined", "Boolean"],
  ...["String", "Symbol", "Date", "Promise", "RegExp", "Error", "AggregateError", "EvalError", "RangeError"],
  ...["ReferenceError", "SyntaxError", "TypeError", "URIError", "globalThis", "JSON", "Math", "Intl", "ArrayBuffer"],
  ...["Atomics", "Uint8Array", "Int8Array", "Uint16Array", "Int16Array", "Uint32Array", "Int32Array", "BigUint64Array"],
  ...["BigInt64Array", "Uint8ClampedArray", "Float16Array", "Float32Array", "Float64Array", "DataView", "Map", "BigInt"],
  ...["Set", "Iterator", "WeakMap", "WeakSet", "WeakRef", "Proxy", "Reflect", "FinalizationRegistry", "decodeURI"],
  ...["SharedArrayBuffer", "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "unescape", "isFinite"],
  ...["isNaN", "eval", "WebAssembly", "SuppressedError", "DisposableStack", "AsyncDisposableStack"],
  ...["TextEncoder", "TextDecoder", "crypto", "performance", "console", "setTimeout", "clearTimeout"],
]);

/** Closes the ways to Node's modules, and takes away every name that is not kept. */
function giveUp() {
  const closed = () => {
    throw new Error("closed");
  };
  for (const name of ["_load", "_findPath", "_resolveFilename", "createRequire", "_preloadModules", "runMain"]) {
    Module[name] = closed;
  }
  for (const name of ["require", "load", "_compile"]) Module.prototype[name] = closed;
  for (const kind of Object.keys(Module._extensions)) Module._extensions[kind] = closed;
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!KEPT.has(name)) delete globalThis[name];
  }
}

/** What is written to the descriptors, past Python's own streams. */
let booted = false;
let past = 0;
function printed(line) {
  past += line.length;
  if (booted && past < MOST_PAST) write(`{"kind":"print"}\n${line}\n`);
}

function snapshotOrNull() {
  try {
    return readFileSync(`${folder}snapshot.bin`);
  } catch {
    return null;
  }
}

const { default: Module } = await import("node:module");
const { loadPyodide } = await import("./pyodide.mjs");
let snapshot = snapshotOrNull();
const options = { indexURL: folder, jsglobals: Object.create(null), stdout: printed, stderr: printed, env: { HOME: "/home/agent", PYTHONHASHSEED: "0", _: "" } };

if (snapshot === null) {
  const python = await loadPyodide({ ...options, _makeSnapshot: true });
  for (const [path, text] of JSON.parse(readTextFileSync(`${folder}modules.json`))) {
    python.FS.mkdirTree(`${MODULES}/${path.slice(0, path.lastIndexOf("/"))}`);
    python.FS.writeFile(`${MODULES}/${path}`, text);
  }
  python.runPython(readTextFileSync(`${folder}prepare.py`));
  send(python.makeMemorySnapshot());
  exit(0);
}

const python = await loadPyodide({ ...options, _loadSnapshot: snapshot });
snapshot = null;  // thirty megabytes
const main = python.runPython("from shared.sandbox.full.guest.main import main; main");
python.runPython("import os; os.urandom(1)");  // which finds its source at first use
permissions.revokeSync({ name: "read" });
giveUp();
booted = true;
try {
  main(receive, write);
} catch {
  // CPython is broken, and says nothing more.
}
for (;;) {  // never back to the event loop, where what the code has begun would go on: imports, timers
  try {
    exit(0);
  } catch {
    // A listener or a getter of the code's is in the way: as long as it takes, and no longer than the run may compute.
  }
}
