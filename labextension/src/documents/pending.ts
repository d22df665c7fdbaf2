/** How many changes of this tab are not in the relay's log yet, and since when (section 3.2). */

import { type ISignal, Signal } from '@lumino/signaling';

interface IEntry {
  /** The message that carried the changes, or infinity while they were not sent. */
  seq: number;
  count: number;
  /** Milliseconds since the epoch, of the first of them. */
  readonly since: number;
}

/** Count changes from when they are made until they are acknowledged. */
export class Pending {
  get count(): number {
    return this._entries.reduce((sum, { count }) => sum + count, 0);
  }

  /** When the oldest of them was made, in milliseconds since the epoch; null where there are none. */
  get since(): number | null {
    return this._entries[0]?.since ?? null;
  }

  /** There are some now, or none any more; not told for each change. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Note a change. */
  add(now = Date.now()): void {
    const last = this._entries.at(-1);
    if (last?.seq === Infinity) {
      last.count += 1;
      return;
    }
    this._entries.push({ seq: Infinity, count: 1, since: now });
    if (!last) {
      this._changed.emit();
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
      this._changed.emit();
    }
  }

  /** Note that the channel is gone: nothing that was sent on it will be acknowledged. */
  unsent(): void {
    const { count, since } = this;
    this._entries = since === null ? [] : [{ seq: Infinity, count, since }];
  }

  private _entries: IEntry[] = [];
  private readonly _changed = new Signal<this, void>(this);
}
