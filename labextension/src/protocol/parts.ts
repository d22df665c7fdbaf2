/** Parts: a frame that is longer than the limit travels in pieces (section 4). */

import { FrameError, FrameTooLarge } from '../errors';
import { concat, type Reader, varuint } from './codec';

export const TYPE = 68;
export const MAX_PARTS = 4096;

/** Carry one piece of a frame. */
export interface IPart {
  readonly kind: 'part';
  readonly id: number;
  readonly index: number;
  readonly count: number;
  readonly piece: Uint8Array;
}

/**
 * Return the frame alone, or parts of at most `limit` payload bytes each.
 *
 * @param limit bytes; doubled as often as `MAX_PARTS` demands.
 * @param id a number that the sender uses for this frame only, larger than for the frame before.
 */
export function split(
  frame: Uint8Array,
  limit: number,
  id: number
): Uint8Array[] {
  if (frame.length <= limit) {
    return [frame];
  }
  while (frame.length > limit * MAX_PARTS) {
    limit *= 2;
  }
  const count = varuint(Math.ceil(frame.length / limit));
  const parts: Uint8Array[] = [];
  for (let start = 0; start < frame.length; start += limit) {
    parts.push(
      concat([
        varuint(TYPE),
        varuint(id),
        varuint(parts.length),
        count,
        frame.subarray(start, start + limit)
      ])
    );
  }
  return parts;
}

/** Decode what follows the type of a part. */
export function decode(reader: Reader): IPart {
  const id = reader.varuint();
  const index = reader.varuint();
  const count = reader.varuint();
  if (index >= count || count > MAX_PARTS) {
    throw new FrameError(
      `Part ${index} of ${count} cannot be (at most ${MAX_PARTS}).`
    );
  }
  return { kind: 'part', id, index, count, piece: reader.rest() };
}

/** Put the parts of one sender together again. */
export class Assembler {
  /** @param _limit the largest whole in bytes; what is over it throws `FrameTooLarge`. */
  constructor(private readonly _limit: number) {}

  /** Take a part and return the frame when it was the last one. */
  receive(part: IPart): Uint8Array | null {
    if (part.index === 0 && !this._pieces.length && part.id > this._id) {
      this._id = part.id;
      this._count = part.count;
    } else if (
      part.id !== this._id ||
      part.index !== this._pieces.length ||
      part.count !== this._count
    ) {
      throw new FrameError(
        `Part ${part.index} of frame ${part.id} is out of order.`
      );
    }
    this._length += part.piece.length;
    if (this._length > this._limit) {
      throw new FrameTooLarge(`A frame of more than ${this._limit} bytes.`);
    }
    this._pieces.push(part.piece);
    if (this._pieces.length < this._count) {
      return null;
    }
    const frame = concat(this._pieces);
    this._pieces = [];
    this._length = 0;
    return frame;
  }

  private _id = -1;
  private _count = 0;
  private _pieces: Uint8Array[] = [];
  private _length = 0;
}
