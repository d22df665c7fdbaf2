/**
 * Awareness: what a peer says of itself and is forgotten when it leaves (sections 3 and 3.3).
 *
 * An awareness update is lib0: `varuint(n) n × (varuint(client id) varuint(clock) varstring(JSON))`.
 */

import { FrameError } from '../errors';
import {
  concat,
  isObject,
  parseJson,
  Reader,
  varbytes,
  varstring,
  varuint
} from './codec';

export const TYPE = 1;

/** Tell states of clients. */
export interface IAwareness {
  readonly kind: 'awareness';
  readonly update: Uint8Array;
}

/** Hold one client's state: `json` is its text as it came, `null` for a client that left. */
export interface IState {
  readonly client: number;
  readonly clock: number;
  readonly json: string;
}

/** Encode an awareness frame. */
export function encode(update: Uint8Array): Uint8Array {
  return concat([varuint(TYPE), varbytes(update)]);
}

/** Decode what follows the type of an awareness frame. */
export function decode(reader: Reader): IAwareness {
  const update = reader.varbytes();
  reader.end();
  return { kind: 'awareness', update };
}

/** Encode an awareness update. */
export function encodeStates(states: readonly IState[]): Uint8Array {
  return concat([
    varuint(states.length),
    ...states.flatMap(state => [
      varuint(state.client),
      varuint(state.clock),
      varstring(state.json)
    ])
  ]);
}

/** Decode an awareness update; a state that is neither a JSON object nor null throws `FrameError`. */
export function decodeStates(update: Uint8Array): IState[] {
  const reader = new Reader(update);
  const states: IState[] = [];
  for (let left = reader.varuint(); left > 0; left -= 1) {
    const client = reader.varuint();
    const clock = reader.varuint();
    states.push({ client, clock, json: checked(reader.varstring()) });
  }
  reader.end();
  return states;
}

function checked(text: string): string {
  const value = parseJson(text);
  if (value === null) {
    return 'null';
  }
  if (!isObject(value)) {
    throw new FrameError('An awareness state is not a JSON object.');
  }
  return text;
}
