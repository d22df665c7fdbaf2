/** Events: what the relay tells without being asked (section 3.5). */

import { concat, parseObject, type Reader, varstring, varuint } from './codec';

export const TYPE = 67;

/** Tell something by name. */
export interface IEvent {
  readonly kind: 'event';
  readonly name: string;
  readonly params: Record<string, unknown>;
}

/** Encode an event. */
export function encode(
  name: string,
  params: Record<string, unknown>
): Uint8Array {
  return concat([
    varuint(TYPE),
    varstring(name),
    varstring(JSON.stringify(params))
  ]);
}

/** Decode what follows the type of an event. */
export function decode(reader: Reader): IEvent {
  const name = reader.varstring();
  const params = parseObject(reader.varstring());
  reader.end();
  return { kind: 'event', name, params };
}
