/** Requests to the relay and its responses (section 3.4). */

import { FrameError } from '../errors';
import {
  concat,
  parseJson,
  parseObject,
  type Reader,
  varstring,
  varuint
} from './codec';

export const REQUEST = 65;
export const RESPONSE = 66;

/** Ask the relay to do something. */
export interface IRequest {
  readonly kind: 'request';
  readonly id: number;
  readonly method: string;
  readonly params: Record<string, unknown>;
}

/** Answer a request: the result, or `{code, reason}` where it is not ok. */
export interface IResponse {
  readonly kind: 'response';
  readonly id: number;
  readonly ok: boolean;
  readonly result: unknown;
}

/** Encode a request. */
export function encodeRequest(
  id: number,
  method: string,
  params: Record<string, unknown> = {}
): Uint8Array {
  return concat([
    varuint(REQUEST),
    varuint(id),
    varstring(method),
    varstring(JSON.stringify(params))
  ]);
}

/** Decode what follows the type of a request. */
export function decodeRequest(reader: Reader): IRequest {
  const id = reader.varuint();
  const method = reader.varstring();
  const params = parseObject(reader.varstring());
  reader.end();
  return { kind: 'request', id, method, params };
}

/** Encode a response; `result` is anything that JSON can hold. */
export function encodeResponse(
  id: number,
  ok: boolean,
  result: unknown
): Uint8Array {
  return concat([
    varuint(RESPONSE),
    varuint(id),
    varuint(ok ? 1 : 0),
    varstring(JSON.stringify(result))
  ]);
}

/** Decode what follows the type of a response. */
export function decodeResponse(reader: Reader): IResponse {
  const id = reader.varuint();
  const ok = reader.varuint();
  const text = reader.varstring();
  reader.end();
  if (ok > 1) {
    throw new FrameError('A response is neither ok nor not ok.');
  }
  return { kind: 'response', id, ok: ok === 1, result: parseJson(text) };
}
