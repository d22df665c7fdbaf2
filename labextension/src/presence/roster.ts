/** Keeps the list of who else has a document open, and tells when it changes; cursors move too often for that. */

import { type ISignal, Signal } from '@lumino/signaling';
import type { Awareness } from 'y-protocols/awareness';
import { type IParticipant, nextExpiry, people } from './people';

/** Follow one awareness, for as long as there is one. */
export class Roster {
  /** Return the one of an awareness. */
  static of(awareness: Awareness): Roster {
    let found = all.get(awareness);
    if (!found) {
      found = new Roster(awareness);
      all.set(awareness, found);
    }
    return found;
  }

  private constructor(private readonly _awareness: Awareness) {
    _awareness.on('change', (changes: Record<string, number[]>) => {
      const { clientID } = _awareness;
      const clients = Object.values(changes)
        .flat()
        .filter(client => client !== clientID);
      // Not for what this tab says of itself: that is told at each key.
      if (clients.length) {
        this._moved(clients);
        this._look();
      }
    });
    _awareness.on('destroy', () => clearTimeout(this._timer));
    this._look();
  }

  /** The others: people in the order in which they came, then kernels. */
  get participants(): readonly IParticipant[] {
    return this._participants;
  }

  /** Somebody came, went, moved to another cell or said something. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  private _moved(clients: readonly number[]): void {
    const states = this._awareness.getStates();
    for (const client of clients) {
      const state = states.get(client);
      const { activeCell, cell, pointer, status } = state ?? {};
      const said = JSON.stringify([activeCell, cell, pointer, status]);
      if (state && this._said.get(client) === said) {
        continue;
      }
      this._lately = this._lately.filter(other => other !== client);
      this._said.delete(client);
      if (state) {
        this._lately.unshift(client);
        this._said.set(client, said);
      }
    }
  }

  private _look(): void {
    const states = this._awareness.getStates();
    const { clientID } = this._awareness;
    const now = Date.now() / 1000;
    const participants = people(states, clientID, now, this._lately);
    clearTimeout(this._timer);
    const expiry = nextExpiry(states, now);
    if (expiry < Infinity) {
      const wait = Math.min((expiry - now) * 1000 + 20, 2 ** 31 - 1);
      this._timer = setTimeout(() => this._look(), wait);
    }
    const before = JSON.stringify(this._participants);
    if (JSON.stringify(participants) !== before) {
      this._participants = participants;
      this._changed.emit();
    }
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _said = new Map<number, string>();
  private _lately: number[] = [];
  private _participants: readonly IParticipant[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

const all = new WeakMap<Awareness, Roster>();
