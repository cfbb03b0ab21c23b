// A browser's access to Firestore. The documents exist already; RULES_TEST names them, and the emulator.
import { after, before, test } from "node:test";
import { readFileSync } from "node:fs";
import { assertFails, assertSucceeds, initializeTestEnvironment } from "@firebase/rules-unit-testing";
import {
  collection,
  collectionGroup,
  deleteDoc,
  doc,
  getCountFromServer,
  getDoc,
  getDocs,
  limit,
  onSnapshot,
  query,
  runTransaction,
  setDoc,
  setLogLevel,
  updateDoc,
  where,
  writeBatch,
} from "firebase/firestore";

const { project, host, port, rules, paths, user, other, disabled } = JSON.parse(process.env.RULES_TEST);
const own = [`tickets/${user}-ticket`, `users/${user}`];
const foreign = paths.filter((path) => !own.includes(path));
const collections = [...new Set(paths.map((path) => path.slice(0, path.lastIndexOf("/"))))];
const groups = [...new Set(collections.map((path) => path.slice(path.lastIndexOf("/") + 1)))];

let environment;
let clients;

before(async () => {
  setLogLevel("silent"); // it would warn of each refusal, and these are intended
  const firestore = { host, port, rules: readFileSync(rules, "utf8") };
  environment = await initializeTestEnvironment({ projectId: project, firestore });
  const signedIn = (uid, claims) => environment.authenticatedContext(uid, claims).firestore();
  clients = {
    "the user": signedIn(user),
    "the user as an administrator": signedIn(user, { admin: true, role: "admin", owner: true }),
    "somebody else as an administrator": signedIn(`${other}-admin`, { admin: true, role: "admin" }),
    "a disabled user": signedIn(disabled),
    nobody: environment.unauthenticatedContext().firestore(),
  };
});

after(() => environment.cleanup());

const each = (chosen, subjects, attempt) =>
  Promise.all(chosen.flatMap((name) => subjects.map((subject) => attempt(clients[name], subject, name))));
const everybody = ["the user", "the user as an administrator", "somebody else as an administrator", "nobody"];
const theUser = everybody.slice(0, 2);
const others = everybody.slice(2);

const refused = async (what, attempt) => {
  try {
    await assertFails(attempt);
  } catch (error) {
    throw new Error(`not refused: ${what}: ${error.message}`);
  }
};

// Waits for the server's answer: the client's own cache does not test the rules.
const watched = (reference) =>
  new Promise((resolve, reject) => {
    const seen = (snapshot) => {
      if (snapshot.metadata.fromCache) return;
      stop();
      resolve(snapshot);
    };
    const stop = onSnapshot(reference, { includeMetadataChanges: true }, seen, reject);
  });

test("users read and watch their own tickets and record", async () => {
  await each(theUser, own, async (client, path) => {
    const snapshot = await assertSucceeds(getDoc(doc(client, path)));
    if (!snapshot.exists()) throw new Error(`${path} is not there`);
    await assertSucceeds(watched(doc(client, path)));
  });
});

test("users may read their own record before it exists", async () => {
  const newcomer = environment.authenticatedContext("newcomer").firestore();
  const snapshot = await assertSucceeds(getDoc(doc(newcomer, "users/newcomer")));
  if (snapshot.exists()) throw new Error("there is one");
});

test("a disabled user reads nothing, not even their own data", async () => {
  const theirs = [`tickets/${disabled}-ticket`, `users/${disabled}`];
  await each(["a disabled user"], theirs, async (client, path, name) => {
    await refused(`${name} gets ${path}`, getDoc(doc(client, path)));
    await refused(`${name} watches ${path}`, watched(doc(client, path)));
  });
});

test("a user without an account reads their own tickets", async () => {
  await environment.withSecurityRulesDisabled((context) =>
    setDoc(doc(context.firestore(), "tickets/of-a-newcomer"), { owner: "newcomer" }));
  const newcomer = environment.authenticatedContext("newcomer").firestore();
  await assertSucceeds(getDoc(doc(newcomer, "tickets/of-a-newcomer")));
});

test("a user reads nothing else, whatever the claims, and even if it is shared", async () => {
  await each(theUser, foreign, (client, path, name) => refused(`${name} gets ${path}`, getDoc(doc(client, path))));
  await each(theUser, foreign, (client, path, name) => refused(`${name} watches ${path}`, watched(doc(client, path))));
});

test("others read nothing at all", async () => {
  await each(others, paths, (client, path, name) => refused(`${name} gets ${path}`, getDoc(doc(client, path))));
  await each(others, own, (client, path, name) => refused(`${name} watches ${path}`, watched(doc(client, path))));
});

test("missing documents and unknown collections are refused", async () => {
  const strange = ["tickets/none", "users/none", "unknown/document", `users/${user}/unknown/document`,
    `tickets/${user}-ticket/unknown/document`];
  await each(everybody, strange, (client, path, name) => refused(`${name} gets ${path}`, getDoc(doc(client, path))));
});

test("nobody lists, counts or searches a collection, not even for their own documents", async () => {
  const asked = [...collections, "unknown"];
  await each(everybody, asked, async (client, path, name) => {
    const all = collection(client, path);
    await refused(`${name} lists ${path}`, getDocs(all));
    await refused(`${name} lists one of ${path}`, getDocs(query(all, limit(1))));
    await refused(`${name} lists the own of ${path}`, getDocs(query(all, where("owner", "==", user))));
    await refused(`${name} lists by id in ${path}`, getDocs(query(all, where("__name__", "==", doc(all, user)))));
    await refused(`${name} counts ${path}`, getCountFromServer(query(all, where("owner", "==", user))));
    await refused(`${name} watches ${path}`, watched(query(all, where("owner", "==", user))));
  });
});

test("nobody lists a collection group", async () => {
  await each(everybody, groups, async (client, group, name) => {
    await refused(`${name} lists all ${group}`, getDocs(collectionGroup(client, group)));
    const theirs = query(collectionGroup(client, group), where("owner", "==", user));
    await refused(`${name} lists the own of all ${group}`, getDocs(theirs));
    await refused(`${name} counts all ${group}`, getCountFromServer(theirs));
  });
});

test("nobody changes existing documents", async () => {
  await each(everybody, paths, async (client, path, name) => {
    const document = doc(client, path);
    await refused(`${name} replaces ${path}`, setDoc(document, { owner: user }));
    await refused(`${name} adds to ${path}`, setDoc(document, { owner: user }, { merge: true }));
    await refused(`${name} updates ${path}`, updateDoc(document, { owner: user }));
    await refused(`${name} deletes ${path}`, deleteDoc(document));
  });
});

test("nobody creates anything, including their own record", async () => {
  const asked = [...collections, "unknown"];
  await each(everybody, asked, (client, path, name) =>
    refused(`${name} creates in ${path}`, setDoc(doc(collection(client, path)), { owner: user })));
  const newcomer = environment.authenticatedContext("newcomer").firestore();
  await refused("a newcomer creates the own record", setDoc(doc(newcomer, "users/newcomer"), { remaining: 1 }));
});

test("a batch and a transaction are refused like their contents", async () => {
  await each(everybody, own, async (client, path, name) => {
    const batch = writeBatch(client);
    batch.update(doc(client, path), { owner: user });
    await refused(`${name} writes ${path} in a batch`, batch.commit());
    const change = async (transaction) => transaction.update(doc(client, path), { owner: user });
    await refused(`${name} writes ${path} in a transaction`, runTransaction(client, change, { maxAttempts: 1 }));
  });
});
