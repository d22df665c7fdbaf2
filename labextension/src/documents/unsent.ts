/** The changes of this tab that the relay has not committed yet, as updates of the CRDT (section 3.2). */

import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';

interface IEntry {
  /** The message that carried it, or infinity while it was not sent. */
  seq: number;
  updates: Uint8Array[];
}

/** So many are held one by one; merging costs time, holding costs memory. */
const MOST = 200;

/** Hold updates from when they are made until they are acknowledged. */
export class Unsent {
  get isEmpty(): boolean {
    return !this._entries.length;
  }

  /** The last of them was acknowledged. */
  get emptied(): ISignal<this, void> {
    return this._emptied;
  }

  /** Note a change. */
  add(update: Uint8Array): void {
    const last = this._entries.at(-1);
    if (last?.seq !== Infinity) {
      this._entries.push({ seq: Infinity, updates: [update] });
      return;
    }
    last.updates.push(update);
    if (last.updates.length > MOST) {
      last.updates = [Y.mergeUpdates(last.updates)];
    }
  }

  /** Note that all changes up to now travel in message `seq` or an earlier one. */
  sent(seq: number): void {
    const last = this._entries.at(-1);
    if (last?.seq === Infinity) {
      last.seq = seq;
    }
  }

  /** Forget what message `seq` and earlier ones carried. */
  acknowledge(seq: number): void {
    const before = this._entries.length;
    this._entries = this._entries.filter(entry => entry.seq > seq);
    if (before && !this._entries.length) {
      this._emptied.emit();
    }
  }

  /** Note that the channel is gone: nothing that was sent on it will be acknowledged. */
  unsent(): void {
    const updates = this._entries.flatMap(entry => entry.updates);
    this._entries = updates.length ? [{ seq: Infinity, updates }] : [];
  }

  /** Return them as one update, null where there are none. */
  collect(): Uint8Array | null {
    const updates = this._entries.flatMap(entry => entry.updates);
    return updates.length ? Y.mergeUpdates(updates) : null;
  }

  private _entries: IEntry[] = [];
  private readonly _emptied = new Signal<this, void>(this);
}

/** How far each client's changes have to be there before an update can be applied. */
export type Base = ReadonlyMap<number, number>;

/** Return what `update`, made in `doc`, builds upon. */
export function baseOf(doc: Y.Doc, update: Uint8Array): Base {
  const base = Y.decodeStateVector(Y.encodeStateVector(doc));
  // What the update itself brings need not be there.
  for (const [client, clock] of Y.parseUpdateMeta(update).from) {
    base.set(client, clock);
  }
  return base;
}

/** Tell whether a document has all that an update builds upon. */
export function covers(doc: Y.Doc, base: Base): boolean {
  const state = Y.decodeStateVector(Y.encodeStateVector(doc));
  return [...base].every(
    ([client, clock]) => (state.get(client) ?? 0) >= clock
  );
}
