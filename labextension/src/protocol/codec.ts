/** The three primitives of lib0 that frames are made of: varuint, varbytes and varstring (section 1). */

import { FrameError } from '../errors';

const encoder = new TextEncoder();
// ignoreBOM: a leading U+FEFF is text like any other here.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Join byte strings. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) {
    length += part.length;
  }
  const out = new Uint8Array(length);
  let position = 0;
  for (const part of parts) {
    out.set(part, position);
    position += part.length;
  }
  return out;
}

/** Encode text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Decode UTF-8, strictly. */
export function fromUtf8(data: Uint8Array): string {
  try {
    return decoder.decode(data);
  } catch {
    throw new FrameError('A string is not UTF-8.');
  }
}

/** Encode a number, seven bits a byte, least significant group first. */
export function varuint(number: number): Uint8Array {
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new RangeError(`${number} is not between 0 and 2^53 - 1`);
  }
  const out: number[] = [];
  // Bit operators would cut the number to 32 bits.
  while (number > 127) {
    out.push((number % 128) + 128);
    number = Math.floor(number / 128);
  }
  out.push(number);
  return Uint8Array.from(out);
}

/** Encode bytes behind their length. */
export function varbytes(data: Uint8Array): Uint8Array {
  return concat([varuint(data.length), data]);
}

/** Encode text as UTF-8 behind its length in bytes. */
export function varstring(text: string): Uint8Array {
  return varbytes(utf8(text));
}

/** Read primitives, strictly: what is missing or malformed throws `FrameError`. */
export class Reader {
  constructor(private readonly _data: Uint8Array) {}

  /** Read a varuint. */
  varuint(): number {
    let number = 0;
    let unit = 1;
    for (;;) {
      const byte = this._data[this._position];
      if (byte === undefined) {
        throw new FrameError('The frame ends inside a number.');
      }
      this._position += 1;
      const group = byte & 127;
      if (group) {
        number += group * unit;
      }
      if (number > Number.MAX_SAFE_INTEGER) {
        throw new FrameError('A number of the frame is 2^53 or more.');
      }
      if (byte < 128) {
        return number;
      }
      unit *= 128;
    }
  }

  /** Read bytes that stand behind their length. */
  varbytes(): Uint8Array {
    const length = this.varuint();
    const start = this._position;
    if (start + length > this._data.length) {
      throw new FrameError(
        `The frame announces ${length} bytes and has ${this._data.length - start}.`
      );
    }
    this._position += length;
    return this._data.subarray(start, this._position);
  }

  /** Read UTF-8 text that stands behind its length in bytes. */
  varstring(): string {
    return fromUtf8(this.varbytes());
  }

  /** Read all that is left. */
  rest(): Uint8Array {
    const start = this._position;
    this._position = this._data.length;
    return this._data.subarray(start);
  }

  /** Throw unless everything was read: "A frame MUST end where its grammar ends" (section 3). */
  end(): void {
    const left = this._data.length - this._position;
    if (left) {
      throw new FrameError(`${left} bytes follow the end of the frame.`);
    }
  }

  private _position = 0;
}

/** Parse JSON that came in a frame. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FrameError('The JSON does not parse.');
  }
}

/** Parse JSON that came in a frame and must be an object. */
export function parseObject(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (!isObject(value)) {
    throw new FrameError('The JSON is not an object.');
  }
  return value;
}

/** Tell whether `value` is what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
