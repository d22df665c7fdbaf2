/** One sender's frames, decoded: the parts put together, each frame a value (section 3). */

import * as auth from './auth';
import * as awareness from './awareness';
import { Reader } from './codec';
import * as event from './event';
import * as parts from './parts';
import * as queryAwareness from './query_awareness';
import * as request from './request';
import * as status from './status';
import * as sync from './sync';

/** Stand for a frame of a type that a later version may define; it is ignored. */
export interface IUnknown {
  readonly kind: 'unknown';
  readonly type: number;
}

/** Any frame but a part. */
export type Whole =
  | sync.IStep1
  | sync.IStep2
  | sync.IUpdate
  | awareness.IAwareness
  | auth.IDenied
  | queryAwareness.IQueryAwareness
  | status.IStatus
  | request.IRequest
  | request.IResponse
  | event.IEvent
  | IUnknown;

/** Any frame. */
export type Decoded = Whole | parts.IPart;

const DECODERS = new Map<number, (reader: Reader) => Decoded>([
  [sync.TYPE, sync.decode],
  [awareness.TYPE, awareness.decode],
  [auth.TYPE, auth.decode],
  [queryAwareness.TYPE, queryAwareness.decode],
  [status.TYPE, status.decode],
  [request.REQUEST, request.decodeRequest],
  [request.RESPONSE, request.decodeResponse],
  [event.TYPE, event.decode],
  [parts.TYPE, parts.decode]
]);

/** Decode one frame; a malformed one throws `FrameError`. */
export function decode(frame: Uint8Array): Decoded {
  const reader = new Reader(frame);
  const type = reader.varuint();
  return DECODERS.get(type)?.(reader) ?? { kind: 'unknown', type };
}

/** Decode the frames of one sender about one document. */
export class FrameReader {
  /** @param limit the largest frame put together from parts, in bytes. */
  constructor(limit = 2 ** 28) {
    this._assembler = new parts.Assembler(limit);
  }

  /** Return what a frame says, or null when it is a part that is not the last. */
  receive(frame: Uint8Array): Decoded | null {
    const value = decode(frame);
    if (value.kind !== 'part') {
      return value;
    }
    const whole = this._assembler.receive(value);
    return whole && decode(whole);
  }

  private readonly _assembler: parts.Assembler;
}

/** Split the frames of one sender about one document where they are over the limit. */
export class FrameWriter {
  /** @param limit bytes a frame, the welcome's `limits.frame`. */
  constructor(public limit = 2 ** 20) {}

  /** Return the frames that carry `frame`. */
  split(frame: Uint8Array): Uint8Array[] {
    if (frame.length <= this.limit) {
      return [frame];
    }
    this._id += 1;
    return parts.split(frame, this.limit, this._id);
  }

  private _id = 0;
}
