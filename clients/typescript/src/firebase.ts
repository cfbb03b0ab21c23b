/**
 * Watches tickets through Firestore, to which a browser can listen.
 *
 * The security rules let a signed-in user read their own tickets and the tickets' parts. The Firebase SDK reconnects by
 * itself. This module needs the package `firebase`, which the rest of the client does not.
 */

import type { FirebaseApp } from "firebase/app";
import { collection, doc, getFirestore, onSnapshot, orderBy, query, where } from "firebase/firestore";

import { Changes } from "./changes.js";
import { StoredAnswer, type Part } from "./stored-answer.js";
import type { EventSource } from "./watching.js";

/**
 * How long missing parts of a ticket that has ended may take after Firestore has reported all that it has. They come
 * together with the end, so after that they have expired, and the result itself is used.
 */
const LAST_PARTS_MS = 3_000;

/**
 * Returns a source for `watchTicket(client, ticketId, { firebase: fromFirebase(app) })`.
 *
 * Without a connection, it waits. It throws the SDK's `FirestoreError` if Firestore refuses to be listened to, as it
 * does for an unknown ticket and for another user's (`permission-denied`).
 */
export function fromFirebase(app: FirebaseApp): EventSource {
  return async function* (ticketId, startingAfter, signal) {
    const ticket = doc(getFirestore(app), "tickets", ticketId);
    const parts = query(collection(ticket, "parts"), where("n", ">", startingAfter), orderBy("n"));
    const answer = new StoredAnswer(ticketId, startingAfter);
    const changes = new Changes(signal);
    const withMetadata = { includeMetadataChanges: true }; // shows that Firestore has confirmed what a cache contains
    const stops = [
      onSnapshot(
        ticket,
        withMetadata,
        (snapshot) => changes.note(() => answer.setTicket(snapshot.data(), snapshot.metadata.fromCache)),
        changes.fail,
      ),
      onSnapshot(
        parts,
        withMetadata,
        (snapshot) => {
          const added = snapshot.docChanges().filter((change) => change.type === "added");
          const newParts = added.map((change) => change.doc.data() as Part);
          changes.note(() => answer.addParts(newParts, snapshot.metadata.fromCache));
        },
        changes.fail,
      ),
    ];
    try {
      while (!answer.isDone) {
        const isInTime = await changes.next(answer.lacksParts ? LAST_PARTS_MS : undefined);
        yield* answer.takeEvents(isInTime);
      }
    } finally {
      stops.forEach((stop) => stop());
      changes.close();
    }
  };
}
