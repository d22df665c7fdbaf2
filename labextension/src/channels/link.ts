/** How the connection to the server stands, for those who show it or want it back. */

import { Signal, type ISignal } from '@lumino/signaling';

/**
 * `idle` before the first document, then `connected`, or `offline` until it is connected again; `signed-out` where the
 * server is there and does not know this person any more, `no-access` where it does and lets them in no more.
 */
export type LinkState = 'idle' | 'connected' | 'offline' | Refusal;

/** Why a server that answers does not let somebody in. */
export type Refusal = 'signed-out' | 'no-access';

/** What is known at one moment. */
export interface ILinkStatus {
  readonly state: LinkState;
  /** Since when, in milliseconds since the epoch; what is tried in vain meanwhile does not change it. */
  readonly since: number;
  /** When it is tried again, in milliseconds since the epoch; null where nothing is waited for. */
  readonly retryAt: number | null;
}

/** A connection, as far as it can be looked at and woken. */
export interface ILink {
  readonly status: ILinkStatus;
  readonly statusChanged: ISignal<unknown, ILinkStatus>;
  /** Try again at once; a connection that seems to work is given up, for it may be one that nobody listens to. */
  reconnect(): void;
}

/** Hold the status and tell of its changes. */
export class LinkStatus {
  get current(): ILinkStatus {
    return this._current;
  }

  get changed(): ISignal<this, ILinkStatus> {
    return this._changed;
  }

  /** Note how it stands now; `since` goes on where the state is the same. */
  set(state: LinkState, retryAt: number | null = null): void {
    const { state: before, since, retryAt: planned } = this._current;
    if (state === before && retryAt === planned) {
      return;
    }
    this._current = {
      state,
      since: state === before ? since : Date.now(),
      retryAt
    };
    this._changed.emit(this._current);
  }

  private _current: ILinkStatus = {
    state: 'idle',
    since: Date.now(),
    retryAt: null
  };
  private readonly _changed = new Signal<this, ILinkStatus>(this);
}
