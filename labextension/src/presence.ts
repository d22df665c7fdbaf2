/** Presence: this tab's awareness state on its way out, and the others' on their way in (section 3.3). */

import {
  applyAwarenessUpdate,
  type Awareness,
  encodeAwarenessUpdate,
  removeAwarenessStates
} from 'y-protocols/awareness';
import { encode } from './protocol/awareness';

/** Milliseconds between two frames: 20 cursor moves a second are enough. */
const PAUSE = 50;

/** Keep one awareness in step. */
export class Presence {
  /**
   * @param _awareness the document's.
   * @param _send sends a frame where there is a channel, and does nothing where there is none.
   */
  constructor(
    private readonly _awareness: Awareness,
    private readonly _send: (frame: Uint8Array) => void
  ) {
    _awareness.on('update', this._onUpdate);
  }

  /** Return the frame that introduces this tab on a new channel. */
  introduce(): Uint8Array {
    // A raised clock: the relay may have told the others that this client has left.
    this._awareness.setLocalState(this._awareness.getLocalState());
    return this._frame();
  }

  /** Send this tab's state now. */
  tell(): void {
    this._send(this._frame());
  }

  /** Take the others' states. */
  receive(update: Uint8Array): void {
    applyAwarenessUpdate(this._awareness, update, this);
    // The relay says who leaves. Left to itself, an awareness drops whoever is quiet for 30 s: a kernel that computes,
    // or a person whose tab is in the background, where browsers hardly run timers.
    for (const [client, meta] of this._awareness.meta) {
      if (client !== this._awareness.clientID) {
        meta.lastUpdated = Infinity;
      }
    }
  }

  /** Forget everybody else: without a channel nobody can be seen. */
  forget(): void {
    const others = [...this._awareness.getStates().keys()].filter(
      client => client !== this._awareness.clientID
    );
    removeAwarenessStates(this._awareness, others, this);
  }

  /** Tell the others at once that this person leaves. */
  leave(): void {
    removeAwarenessStates(this._awareness, [this._awareness.clientID], 'leave');
    this.tell();
  }

  /** Stop following. */
  dispose(): void {
    this._awareness.off('update', this._onUpdate);
    clearTimeout(this._timer ?? undefined);
  }

  private readonly _onUpdate = (
    changes: Record<string, number[]>,
    origin: unknown
  ): void => {
    const own = Object.values(changes).flat();
    if (
      origin === this ||
      this._timer !== null ||
      !own.includes(this._awareness.clientID)
    ) {
      return;
    }
    // The newest state leaves after the pause; what lay between interests nobody.
    this._timer = setTimeout(() => {
      this._timer = null;
      this.tell();
    }, PAUSE);
  };

  private _frame(): Uint8Array {
    const { clientID } = this._awareness;
    return encode(encodeAwarenessUpdate(this._awareness, [clientID]));
  }

  private _timer: ReturnType<typeof setTimeout> | null = null;
}
