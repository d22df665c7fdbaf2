/** Auth: the relay denies a permission, in the way stock Yjs clients understand (section 3). */

import { FrameError } from '../errors';
import { concat, type Reader, varstring, varuint } from './codec';

export const TYPE = 2;

/** Tell that the peer may not do what it did. */
export interface IDenied {
  readonly kind: 'denied';
  readonly reason: string;
}

/** Encode "permission denied". */
export function encode(reason: string): Uint8Array {
  return concat([varuint(TYPE), varuint(0), varstring(reason)]);
}

/** Decode what follows the type of an auth frame. */
export function decode(reader: Reader): IDenied {
  const kind = reader.varuint();
  if (kind !== 0) {
    throw new FrameError(
      `An auth frame of kind ${kind} is not 'permission denied'.`
    );
  }
  const reason = reader.varstring();
  reader.end();
  return { kind: 'denied', reason };
}
