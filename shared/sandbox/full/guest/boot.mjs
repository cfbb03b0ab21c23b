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

/** A message: its length in four bytes, the highest first, and its bytes. */
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

/** What is written to the descriptors, past Python's own streams. */
let booted = false;
let past = 0;
function printed(line) {
  past += line.length;
  if (booted && past < MOST_PAST) write(JSON.stringify({ kind: "print", text: `${line}\n` }));
}

function snapshotOrNull() {
  try {
    return readFileSync(`${folder}snapshot.bin`);
  } catch {
    return null;
  }
}

const { loadPyodide } = await import("./pyodide.mjs");
let snapshot = snapshotOrNull();
const options = { indexURL: folder, jsglobals: Object.create(null), stdout: printed, stderr: printed, env: { HOME: "/home/agent", PYTHONHASHSEED: "0" } };

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
for (const name of ["Deno", "process", "Worker", "localStorage", "caches", "fetch", "WebSocket", "EventSource"]) {
  delete globalThis[name];
}
booted = true;
main(receive, write);
exit(0);
