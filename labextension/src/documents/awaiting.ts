/** Holds what was done here from when it is done until the relay has committed it (section 3.2). */

import { type ISignal, Signal } from '@lumino/signaling';

interface IEntry<T> {
  /** The message that carried it, or infinity while it was not sent. */
  seq: number;
  what: T;
}

/** Hold things of one kind, in their order. */
export class Awaiting<T> {
  /** @param _join makes one of two that follow each other and travel together. */
  constructor(private readonly _join: (earlier: T, later: T) => T) {}

  get isEmpty(): boolean {
    return !this._entries.length;
  }

  /** There is something now, or nothing any more; not told for each thing. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** All of them, the oldest in front. */
  get all(): T[] {
    return this._entries.map(({ what }) => what);
  }

  /** Note something new. */
  add(what: T): void {
    const last = this._entries.at(-1);
    if (last?.seq === Infinity) {
      last.what = this._join(last.what, what);
      return;
    }
    this._entries.push({ seq: Infinity, what });
    if (!last) {
      this._changed.emit();
    }
  }

  /** Note that all up to now travels in message `seq` or an earlier one. */
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
    if (this._entries.length) {
      const what = this.all.reduce(this._join);
      this._entries = [{ seq: Infinity, what }];
    }
  }

  private _entries: IEntry<T>[] = [];
  private readonly _changed = new Signal<this, void>(this);
}
