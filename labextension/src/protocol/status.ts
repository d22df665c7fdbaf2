/** Sync status: every message up to a number is committed to the log (section 3.2). */

import { concat, type Reader, varuint } from './codec';

export const TYPE = 64;

/** Acknowledge every message up to `seq`. */
export interface IStatus {
  readonly kind: 'status';
  readonly seq: number;
}

/** Encode an acknowledgement. */
export function encode(seq: number): Uint8Array {
  return concat([varuint(TYPE), varuint(seq)]);
}

/** Decode what follows the type of a status frame. */
export function decode(reader: Reader): IStatus {
  const seq = reader.varuint();
  reader.end();
  return { kind: 'status', seq };
}
