/** The kernel's end of a widget, as a page sees it: what it tells, what it is asked, and whether it is there. */

import { type ISignal, Signal } from '@lumino/signaling';
import { ChannelClosed, RequestFailed } from '../errors';
import { isRecord } from '../presence/identity';
import type { ILiveModel, IModel } from './model';
import { type IState, type Patch, patched } from './state';
import { type Say, wayTo } from './ways';

let views = 0;

/** Follow one model. */
export class Feed {
  constructor(private readonly _model: IModel) {
    views += 1;
    this._view = `${Date.now().toString(36)}-${views}`;
    this._state = _model.get('_state') as IState;
    this._say = wayTo(_model);
    _model.on('msg:custom', this._onMessage);
    _model.on('change:_state', this._onState);
    _model.on('comm_live_update', this._onLive);
    void this._findModel();
  }

  get state(): IState {
    return this._state;
  }

  /** Something is other: which parts, null for all of it, also for whether the kernel is there. */
  get changed(): ISignal<this, Patch | null> {
    return this._changed;
  }

  /** Whether the kernel can be asked; `never` in a page that was saved. */
  get standing(): 'live' | 'ended' | 'never' {
    return this._isLive ? 'live' : this._wasLive ? 'ended' : 'never';
  }

  /** Have something done, as whom the kernel is. */
  request(method: string, params: Record<string, unknown>): Promise<unknown> {
    if (!this._isLive) {
      return Promise.reject(new ChannelClosed('gone', 'The kernel has ended.'));
    }
    this._number += 1;
    const number = this._number;
    return new Promise((resolve, reject) => {
      this._waiting.set(number, { resolve, reject });
      this._say({ method, params, number, view: this._view });
    });
  }

  /** Tell what this person has chosen. */
  choose(name: string, value: unknown): void {
    if (this._model.get(name) !== value) {
      // Here too, so that setting it back in Python is a change.
      this._model.set(name, value);
      if (this._isLive) {
        this._say({ set: { [name]: value } });
      }
    }
  }

  dispose(): void {
    this._model.off('msg:custom', this._onMessage);
    this._model.off('change:_state', this._onState);
    this._model.off('comm_live_update', this._onLive);
    Signal.clearData(this);
  }

  private async _findModel(): Promise<void> {
    // In hosts that have no manager of this kind nobody knows, and the kernel is taken for there.
    const id = this._model.get('_id') as string;
    this._live = (await this._model.widget_manager?.get_model(id)) ?? null;
    this._onLive();
  }

  private readonly _onLive = (): void => {
    const isLive = this._live?.comm_live ?? true;
    this._wasLive ||= this._live !== null && isLive;
    if (isLive === this._isLive) {
      return;
    }
    this._isLive = isLive;
    if (!isLive) {
      const error = new ChannelClosed('gone', 'The kernel has ended.');
      this._waiting.forEach(({ reject }) => reject(error));
      this._waiting.clear();
    }
    this._changed.emit(null);
  };

  private readonly _onState = (): void => {
    this._take(this._model.get('_state') as IState);
  };

  private readonly _onMessage = (message: unknown): void => {
    if (!isRecord(message)) {
      return;
    }
    const { patch, state, answer, view } = message;
    if (isRecord(patch)) {
      const seq = Number(patch['seq']);
      if (seq === this._state.seq + 1) {
        this._state = patched(this._state, patch);
        this._changed.emit(patch);
      } else if (seq > this._state.seq) {
        // One got lost on its way: the kernel's channel drops where it is full.
        this._say({ all: true });
      }
    } else if (isRecord(state)) {
      this._take(state as unknown as IState);
    } else if (view === this._view) {
      this._answered(Number(answer), message);
    }
  };

  private _take(state: IState): void {
    if (state.seq > this._state.seq) {
      this._state = state;
      this._changed.emit(null);
    }
  }

  private _answered(
    number: number,
    { result, code, reason }: Record<string, unknown>
  ): void {
    const waiting = this._waiting.get(number);
    this._waiting.delete(number);
    if (typeof code === 'string') {
      waiting?.reject(new RequestFailed(code, String(reason)));
    } else {
      waiting?.resolve(result);
    }
  }

  private readonly _view: string;
  private readonly _say: Say;
  private readonly _changed = new Signal<this, Patch | null>(this);
  private readonly _waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  private _state: IState;
  private _live: ILiveModel | null = null;
  private _isLive = true;
  private _wasLive = false;
  private _number = 0;
}
