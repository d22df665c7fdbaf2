/** How one document stands, and since when. */

import { type ISignal, Signal } from '@lumino/signaling';

/** How a document stands: being opened, in step, without connection, or ended for good. */
export type State = 'connecting' | 'synced' | 'offline' | 'closed';

/** Hold one document's state. */
export class Standing {
  constructor() {
    this.synced = new Promise((resolve, reject) => {
      this._resolve = resolve;
      this._reject = reject;
    });
    // Whoever needs it awaits it; a document that is closed before must not be an unhandled rejection.
    this.synced.catch(() => undefined);
  }

  /** Resolves when the relay's content has arrived; rejects where it never will. */
  readonly synced: Promise<void>;

  get state(): State {
    return this._state;
  }

  /** In milliseconds since the epoch. */
  get since(): number {
    return this._since;
  }

  get changed(): ISignal<this, State> {
    return this._changed;
  }

  /** Whether the relay's content has arrived once. */
  get hasSynced(): boolean {
    return this._hasSynced;
  }

  /** The relay's content is here. */
  arrived(): void {
    this._hasSynced = true;
    this._set('synced');
    this._resolve();
  }

  /** Whether the right to the document is gone. */
  get isBarred(): boolean {
    return this._isBarred;
  }

  /** The right to the document is gone; it may come back. */
  barred(): void {
    this._bar(true);
  }

  /** Who was barred is let in again. */
  admitted(): void {
    this._bar(false);
  }

  /** There is no channel. */
  paused(): void {
    this._set(this._hasSynced ? 'offline' : 'connecting');
  }

  /** Nothing will come any more. */
  ended(error: Error): void {
    this._reject(error);
    this._set('closed');
  }

  private _bar(isBarred: boolean): void {
    if (isBarred !== this._isBarred) {
      this._isBarred = isBarred;
      this._changed.emit(this._state);
    }
  }

  private _set(state: State): void {
    if (state !== this._state) {
      this._state = state;
      this._since = Date.now();
      this._changed.emit(state);
    }
  }

  private _resolve: () => void = () => undefined;
  private _reject: (error: Error) => void = () => undefined;
  private _state: State = 'connecting';
  private _since = Date.now();
  private _hasSynced = false;
  private _isBarred = false;
  private readonly _changed = new Signal<this, State>(this);
}
