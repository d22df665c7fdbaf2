/** Asks the relay, over and over with the same ids until it has answered; what it refuses is kept with the reason. */

import { type ISignal, Signal } from '@lumino/signaling';
import { ChannelClosed, NotConnected, RequestFailed } from '../errors';
import type { State } from '../standing';
import type { IAsked, IParams } from './asked';

/** Where what is asked outlives the page. */
export interface IKept {
  load(): IAsked[];
  save(asked: IAsked): void;
  remove(id: string): void;
}

/** Through whom is asked: the content's provider, for what is commented on has to be there first. */
export interface IAsker {
  readonly state: State;
  readonly stateChanged: ISignal<unknown, State>;
  request(method: string, params: Record<string, unknown>): Promise<unknown>;
}

/** Hold what was asked and is not done. */
export class Asking {
  constructor(
    private readonly _asker: IAsker,
    private readonly _kept: IKept,
    private readonly _replica: Pick<IAsker, 'state' | 'stateChanged'>
  ) {
    _asker.stateChanged.connect(this._onState);
    _replica.stateChanged.connect(this._settle);
  }

  /** All of it, the oldest first; refused ones too. */
  get all(): readonly IAsked[] {
    return [...this._asked.values()];
  }

  /** Something was asked, answered, refused or given up: the ids of the threads. */
  get changed(): ISignal<this, string> {
    return this._changed;
  }

  /** The relay answered: what it said. */
  get answered(): ISignal<this, unknown> {
    return this._answers;
  }

  /** The relay refused something just now. */
  get refused(): ISignal<this, IAsked> {
    return this._refused;
  }

  /** Take up what an earlier page asked and got no answer to. */
  restore(): void {
    for (const one of this._kept.load()) {
      if (!this._asked.has(one.id)) {
        this._asked.set(one.id, one);
        this._changed.emit(one.params.thread);
      }
    }
    this._onState();
  }

  ask(asked: IAsked): void {
    this._set(asked);
    this._send(asked);
  }

  /** Keep what cannot be asked any more. */
  keep(refused: IAsked): void {
    this._set(refused);
  }

  /** Ask once more for what was refused, perhaps in other words. */
  again(id: string, words: Partial<IParams> = {}): void {
    const asked = this._asked.get(id);
    if (asked && asked.refused !== null) {
      const params = { ...asked.params, ...words };
      this.ask({ ...asked, params, refused: null });
    }
  }

  /** Give up what was refused. */
  discard(id: string): void {
    const asked = this._asked.get(id);
    if (asked) {
      this._asked.delete(id);
      this._kept.remove(id);
      this._changed.emit(asked.params.thread);
    }
  }

  dispose(): void {
    this._asker.stateChanged.disconnect(this._onState);
    this._replica.stateChanged.disconnect(this._settle);
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _set(asked: IAsked): void {
    this._asked.set(asked.id, asked);
    this._kept.save(asked);
    this._changed.emit(asked.params.thread);
  }

  private _send(asked: IAsked): void {
    if (this._asker.state !== 'synced' || this._underway.has(asked.id)) {
      return;
    }
    this._underway.add(asked.id);
    this._asker.request(asked.method, { ...asked.params }).then(
      answer => {
        this._answered(asked.id, null);
        this._answers.emit(answer);
      },
      (error: Error) => this._answered(asked.id, error)
    );
  }

  private _answered(id: string, error: Error | null): void {
    this._underway.delete(id);
    const asked = this._asked.get(id);
    if (!asked || this._isDisposed) {
      return;
    }
    if (error === null) {
      this._kept.remove(id);
      this._done.add(id);
      this._settle();
    } else if (error instanceof RequestFailed) {
      const refused = { ...asked, refused: error.message };
      this._set(refused);
      this._refused.emit(refused);
    } else if (error instanceof NotConnected) {
      // The answer is lost, perhaps not the deed: the same ids make sure that it is done once.
      this._send(asked);
    } else if (!(error instanceof ChannelClosed)) {
      throw error;
    }
  }

  private readonly _onState = (): void => {
    for (const asked of this._asked.values()) {
      if (asked.refused === null && !this._done.has(asked.id)) {
        this._send(asked);
      }
    }
  };

  /** Forget what is done once the replica shows it: the relay tells of a change before it answers who asked for it. */
  private readonly _settle = (): void => {
    if (this._replica.state === 'synced') {
      for (const id of [...this._done]) {
        this._done.delete(id);
        this.discard(id);
      }
    }
  };

  private readonly _asked = new Map<string, IAsked>();
  private readonly _done = new Set<string>();
  private readonly _underway = new Set<string>();
  private readonly _answers = new Signal<this, unknown>(this);
  private readonly _changed = new Signal<this, string>(this);
  private readonly _refused = new Signal<this, IAsked>(this);
  private _isDisposed = false;
}
