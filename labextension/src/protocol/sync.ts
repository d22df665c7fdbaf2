/** Frames that keep two replicas in step: y-protocols' sync steps and updates (section 3). */

import { FrameError } from '../errors';
import { concat, Reader, varbytes } from './codec';

export const TYPE = 0;
/** No structs, no deletions. */
export const EMPTY_UPDATE = Uint8Array.of(0, 0);

/** Ask for what a state vector lacks. */
export interface IStep1 {
  readonly kind: 'step1';
  readonly stateVector: Uint8Array;
}

/** Answer a step 1. */
export interface IStep2 {
  readonly kind: 'step2';
  readonly update: Uint8Array;
}

/** Tell a change. */
export interface IUpdate {
  readonly kind: 'update';
  readonly update: Uint8Array;
}

function encode(kind: number, payload: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(TYPE, kind), varbytes(payload)]);
}

/** Encode sync step 1. */
export function step1(stateVector: Uint8Array): Uint8Array {
  return encode(0, stateVector);
}

/** Encode sync step 2. */
export function step2(update: Uint8Array): Uint8Array {
  return encode(1, update);
}

/** Encode an update. */
export function update(change: Uint8Array): Uint8Array {
  return encode(2, change);
}

/** Decode what follows the type of a sync frame. */
export function decode(reader: Reader): IStep1 | IStep2 | IUpdate {
  const kind = reader.varuint();
  if (kind > 2) {
    throw new FrameError(
      `A sync frame of kind ${kind} is none of step 1, step 2 and update.`
    );
  }
  const payload = reader.varbytes();
  reader.end();
  if (kind === 0) {
    return { kind: 'step1', stateVector: payload };
  }
  return { kind: kind === 1 ? 'step2' : 'update', update: payload };
}

/** Decode a state vector to the clock of each client id. */
export function stateClients(stateVector: Uint8Array): Map<number, number> {
  const reader = new Reader(stateVector);
  const clocks = new Map<number, number>();
  for (let left = reader.varuint(); left > 0; left -= 1) {
    const client = reader.varuint();
    clocks.set(client, reader.varuint());
  }
  reader.end();
  return clocks;
}
