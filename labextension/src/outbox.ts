/** What one document sends on its channel: local changes, coalesced and numbered, and frames in parts. */

import * as Y from 'yjs';
import type { IChannel } from './channels/channel';
import type { Unacknowledged } from './documents/unacknowledged';
import { FrameWriter } from './protocol/peer';
import * as sync from './protocol/sync';

/** Merging many more updates at once costs more than it saves. */
const MOST_MERGED = 100;

/** Send one document's frames. */
export class Outbox {
  /** @param _unacknowledged is told which message carries what was typed. */
  constructor(private readonly _unacknowledged: Unacknowledged) {}

  /** Whether nothing waits to be sent. */
  get isEmpty(): boolean {
    return this._waiting.length === 0;
  }

  /** Whether the relay's step 1 on this channel was answered, so that changes may follow. */
  get isAnswered(): boolean {
    return this._answered;
  }

  /** Send on this channel from now on. */
  attach(channel: IChannel): void {
    this._channel = channel;
    this._writer = new FrameWriter();
  }

  /** Send frames of at most so many bytes in one piece. */
  limit(bytes: number): void {
    this._writer = new FrameWriter(bytes);
  }

  /** The channel is gone: what was sent and not acknowledged travels again with the next answer. */
  detach(): void {
    this._channel = null;
    this._answered = false;
    this._waiting = [];
    this._unacknowledged.unsent();
  }

  /** Answer the relay's step 1 with step 2, which holds whatever waits. */
  answer(update: Uint8Array): void {
    this._waiting = [];
    this._unacknowledged.sent(this.send(sync.step2(update)));
    this._answered = true;
  }

  /** Send a local change; all transactions of one turn of the event loop travel together. */
  push(update: Uint8Array): void {
    // Before the answer to the relay's step 1 nothing needs to wait: the answer will hold it.
    if (!this._answered) {
      return;
    }
    if (!this._waiting.length) {
      queueMicrotask(() => this.flush());
    }
    this._waiting.push(update);
  }

  /** Send what waits. */
  flush(): void {
    const waiting = this._waiting;
    this._waiting = [];
    if (!this._answered) {
      return;
    }
    for (let start = 0; start < waiting.length; start += MOST_MERGED) {
      const some = waiting.slice(start, start + MOST_MERGED);
      const update = some.length > 1 ? Y.mergeUpdates(some) : some[0]!;
      this._unacknowledged.sent(this.send(sync.update(update)));
    }
  }

  /** Send one frame, in parts where it is long, and return the number of its last message. */
  send(frame: Uint8Array): number {
    let seq = 0;
    for (const part of this._writer.split(frame)) {
      seq = this._channel?.send([part]) ?? seq;
    }
    return seq;
  }

  private _channel: IChannel | null = null;
  private _writer = new FrameWriter();
  private _answered = false;
  private _waiting: Uint8Array[] = [];
}
