/** The changes of this tab that the relay has not committed yet, as updates of the CRDT (section 3.2). */

import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';
import { Awaiting } from './awaiting';

/** So many are held one by one; merging costs time, holding costs memory. */
const MOST = 200;

/** Hold updates from when they are made until they are acknowledged. */
export class Unsent extends Awaiting<readonly Uint8Array[]> {
  constructor() {
    super((earlier, later) => {
      const both = [...earlier, ...later];
      return both.length > MOST ? [Y.mergeUpdates(both)] : both;
    });
    this.changed.connect(() => {
      if (this.isEmpty) {
        this._emptied.emit();
      }
    });
  }

  /** The last of them was acknowledged. */
  get emptied(): ISignal<this, void> {
    return this._emptied;
  }

  /** Note a change. */
  note(update: Uint8Array): void {
    this.add([update]);
  }

  /** Return them as one update, null where there are none. */
  collect(): Uint8Array | null {
    const updates = this.all.flat();
    return updates.length ? Y.mergeUpdates(updates) : null;
  }

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
