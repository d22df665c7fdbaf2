/** Query awareness: ask for all states that the other side knows (section 3). */

import { type Reader, varuint } from './codec';

export const TYPE = 3;

/** Ask for all states. */
export interface IQueryAwareness {
  readonly kind: 'query-awareness';
}

/** Encode the question. */
export function encode(): Uint8Array {
  return varuint(TYPE);
}

/** Decode what follows the type: nothing. */
export function decode(reader: Reader): IQueryAwareness {
  reader.end();
  return { kind: 'query-awareness' };
}
