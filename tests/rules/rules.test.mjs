// Tests which documents browsers can access. The documents already exist; RULES_TEST lists them and the emulator.
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
  orderBy,
  query,
  runTransaction,
  setDoc,
  setLogLevel,
  updateDoc,
  where,
  writeBatch,
} from "firebase/firestore";

const { project, host, port, rules, paths, user, other, disabled } = JSON.parse(process.env.RULES_TEST);
const ownParts = `tickets/${user}-ticket/parts`;
const own = [`tickets/${user}-ticket`, `${ownParts}/1`, `users/${user}`];
const notOwned = paths.filter((path) => !own.includes(path));
const collections = [...new Set(paths.map((path) => path.slice(0, path.lastIndexOf("/"))))];
const groups = [...new Set(collections.map((path) => path.slice(path.lastIndexOf("/") + 1)))];

let environment;
let clients;

before(async () => {
  setLogLevel("silent"); // otherwise the client logs a warning for each refusal that the tests provoke
  const firestore = { host, port, rules: readFileSync(rules, "utf8") };
  environment = await initializeTestEnvironment({ projectId: project, firestore });
  const signedIn = (uid, claims) => environment.authenticatedContext(uid, claims).firestore();
  clients = {
    "the user": signedIn(user),
    "the user as an administrator": signedIn(user, { admin: true, role: "admin", owner: true }),
    "another user as an administrator": signedIn(`${other}-admin`, { admin: true, role: "admin" }),
    "a disabled user": signedIn(disabled),
    "an anonymous user": environment.unauthenticatedContext().firestore(),
  };
});

after(() => environment.cleanup());

const each = (names, subjects, attempt) =>
  Promise.all(names.flatMap((name) => subjects.map((subject) => attempt(clients[name], subject, name))));
const everyone = ["the user", "the user as an administrator", "another user as an administrator", "an anonymous user"];
const theUser = everyone.slice(0, 2);
const others = everyone.slice(2);

const mustFail = async (description, attempt) => {
  try {
    await assertFails(attempt);
  } catch (error) {
    throw new Error(`not refused: ${description}: ${error.message}`);
  }
};

// Waits for the server's response, since the client's own cache does not test the rules.
const watch = (reference) =>
  new Promise((resolve, reject) => {
    const onNext = (snapshot) => {
      if (snapshot.metadata.fromCache) return;
      stop();
      resolve(snapshot);
    };
    const stop = onSnapshot(reference, { includeMetadataChanges: true }, onNext, reject);
  });

test("users can read and watch their own tickets, their parts, and their record", async () => {
  await each(theUser, own, async (client, path) => {
    const snapshot = await assertSucceeds(getDoc(doc(client, path)));
    if (!snapshot.exists()) throw new Error(`${path} does not exist`);
    await assertSucceeds(watch(doc(client, path)));
  });
});

test("users can list and watch the parts of their own tickets, from any part on", async () => {
  await each(theUser, [1, 2], async (client, first) => {
    const parts = query(collection(client, ownParts), where("n", ">=", first), orderBy("n"), limit(10));
    for (const snapshot of [await assertSucceeds(getDocs(parts)), await assertSucceeds(watch(parts))]) {
      if (snapshot.size !== 2 - first) throw new Error(`${snapshot.size} parts from ${first} on`);
    }
    await assertSucceeds(getDoc(doc(client, `${ownParts}/2`)));
  });
});

test("other users and anonymous users cannot list the parts of a ticket", async () => {
  await each(others, [ownParts], async (client, path, name) => {
    const parts = query(collection(client, path), orderBy("n"));
    await mustFail(`${name} lists ${path}`, getDocs(parts));
    await mustFail(`${name} watches ${path}`, watch(parts));
    await mustFail(`${name} counts ${path}`, getCountFromServer(parts));
    await mustFail(`${name} gets a missing part`, getDoc(doc(client, `${path}/2`)));
  });
  await each(theUser, [`tickets/${other}-ticket/parts`], (client, path, name) =>
    mustFail(`${name} lists ${path}`, getDocs(query(collection(client, path), orderBy("n")))));
});

test("no one can read a part whose ticket was deleted", async () => {
  const parts = "tickets/deleted/parts";
  await environment.withSecurityRulesDisabled((context) =>
    setDoc(doc(context.firestore(), `${parts}/1`), { n: 1, attempt: 1, content: "hi", owner: user }));
  await each(everyone, [parts], async (client, path, name) => {
    await mustFail(`${name} gets ${path}/1`, getDoc(doc(client, `${path}/1`)));
    await mustFail(`${name} lists ${path}`, getDocs(collection(client, path)));
  });
});

test("users can read their own record before it exists", async () => {
  const newcomer = environment.authenticatedContext("newcomer").firestore();
  const snapshot = await assertSucceeds(getDoc(doc(newcomer, "users/newcomer")));
  if (snapshot.exists()) throw new Error("the record exists");
});

test("a disabled user can read nothing, not even their own data", async () => {
  const theirs = [`tickets/${disabled}-ticket`, `tickets/${disabled}-ticket/parts/1`, `users/${disabled}`];
  await each(["a disabled user"], theirs, async (client, path, name) => {
    await mustFail(`${name} gets ${path}`, getDoc(doc(client, path)));
    await mustFail(`${name} watches ${path}`, watch(doc(client, path)));
  });
  await each(["a disabled user"], [`tickets/${disabled}-ticket/parts`], async (client, path, name) => {
    await mustFail(`${name} lists ${path}`, getDocs(collection(client, path)));
    await mustFail(`${name} watches ${path}`, watch(collection(client, path)));
  });
});

test("a user without an account can read their own tickets", async () => {
  await environment.withSecurityRulesDisabled((context) =>
    setDoc(doc(context.firestore(), "tickets/of-a-newcomer"), { owner: "newcomer" }));
  const newcomer = environment.authenticatedContext("newcomer").firestore();
  await assertSucceeds(getDoc(doc(newcomer, "tickets/of-a-newcomer")));
  await assertSucceeds(getDocs(collection(newcomer, "tickets/of-a-newcomer/parts")));
});

test("users can read nothing else, whatever their claims, not even shared documents", async () => {
  await each(theUser, notOwned, (client, path, name) => mustFail(`${name} gets ${path}`, getDoc(doc(client, path))));
  await each(theUser, notOwned, (client, path, name) => mustFail(`${name} watches ${path}`, watch(doc(client, path))));
});

test("other users and anonymous users can read nothing", async () => {
  await each(others, paths, (client, path, name) => mustFail(`${name} gets ${path}`, getDoc(doc(client, path))));
  await each(others, own, (client, path, name) => mustFail(`${name} watches ${path}`, watch(doc(client, path))));
});

test("missing documents and unknown collections are refused", async () => {
  const missing = ["tickets/none", "users/none", "unknown/document", `users/${user}/unknown/document`,
    `tickets/${user}-ticket/unknown/document`];
  await each(everyone, missing, (client, path, name) => mustFail(`${name} gets ${path}`, getDoc(doc(client, path))));
});

test("no one can list, count or query a collection of documents with an owner, not even for their own", async () => {
  const targets = [...collections.filter((path) => path !== ownParts), "unknown"];
  await each(everyone, targets, async (client, path, name) => {
    const all = collection(client, path);
    await mustFail(`${name} lists ${path}`, getDocs(all));
    await mustFail(`${name} lists one of ${path}`, getDocs(query(all, limit(1))));
    await mustFail(`${name} lists their own in ${path}`, getDocs(query(all, where("owner", "==", user))));
    await mustFail(`${name} lists by id in ${path}`, getDocs(query(all, where("__name__", "==", doc(all, user)))));
    await mustFail(`${name} counts ${path}`, getCountFromServer(query(all, where("owner", "==", user))));
    await mustFail(`${name} watches ${path}`, watch(query(all, where("owner", "==", user))));
  });
});

test("no one can list a collection group", async () => {
  await each(everyone, groups, async (client, group, name) => {
    await mustFail(`${name} lists all ${group}`, getDocs(collectionGroup(client, group)));
    const theirs = query(collectionGroup(client, group), where("owner", "==", user));
    await mustFail(`${name} lists their own in all ${group}`, getDocs(theirs));
    await mustFail(`${name} counts all ${group}`, getCountFromServer(theirs));
  });
});

test("no one can change existing documents", async () => {
  await each(everyone, paths, async (client, path, name) => {
    const document = doc(client, path);
    await mustFail(`${name} replaces ${path}`, setDoc(document, { owner: user }));
    await mustFail(`${name} adds to ${path}`, setDoc(document, { owner: user }, { merge: true }));
    await mustFail(`${name} updates ${path}`, updateDoc(document, { owner: user }));
    await mustFail(`${name} deletes ${path}`, deleteDoc(document));
  });
});

test("no one can create anything, not even their own record", async () => {
  const targets = [...collections, "unknown"];
  await each(everyone, targets, (client, path, name) =>
    mustFail(`${name} creates in ${path}`, setDoc(doc(collection(client, path)), { owner: user })));
  const newcomer = environment.authenticatedContext("newcomer").firestore();
  await mustFail("a newcomer creates their own record", setDoc(doc(newcomer, "users/newcomer"), { remaining: 1 }));
});

test("writes in batches and transactions are refused as well", async () => {
  await each(everyone, own, async (client, path, name) => {
    const batch = writeBatch(client);
    batch.update(doc(client, path), { owner: user });
    await mustFail(`${name} writes ${path} in a batch`, batch.commit());
    const change = async (transaction) => transaction.update(doc(client, path), { owner: user });
    await mustFail(`${name} writes ${path} in a transaction`, runTransaction(client, change, { maxAttempts: 1 }));
  });
});
