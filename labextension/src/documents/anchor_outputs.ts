/**
 * What an anchor remembers of an output, so that another one of a later run is not taken for it.
 *
 * The same as `rtc_widgets/documents/anchor_outputs.py`: equal outputs have equal hashes there (docs/schema.md, "Anchors").
 */

import { step } from './quotes';

/** What tells an output from others. */
export interface IRemembered {
  readonly index: number;
  readonly type: string;
  /** Of the run that made it. */
  readonly execution_count: number | null;
  readonly mime: string | null;
  readonly excerpt: string;
  readonly hash: string;
  readonly line?: ILine;
}

/** One line of an output's text. */
export interface ILine {
  readonly index: number;
  readonly text: string;
}

/** An output as nbformat has it. */
export type Output = Readonly<Record<string, unknown>>;

const EXCERPT = 200;

// eslint-disable-next-line no-control-regex -- that is what colors are made of
const ANSI = /\x1b\[[0-9;?]*[A-Za-z]/g;

/** Return what tells an output from others. */
export function describeOutput(
  output: Output,
  index: number,
  count: number | null
): IRemembered {
  return {
    index,
    type: String(output['output_type']),
    execution_count: count,
    mime: mimeOf(output),
    excerpt: excerptOf(output),
    hash: hash(output)
  };
}

/** Return the index of the output that an anchor remembers, the nearest of several; -1 for none. */
export function findOutput(
  outputs: readonly Output[],
  wanted: IRemembered
): number {
  return nearest(
    outputs,
    wanted.index,
    output =>
      output['output_type'] === wanted.type &&
      excerptOf(output) === wanted.excerpt &&
      hash(output) === wanted.hash
  );
}

/** Return the index of the line that an anchor remembers, the nearest of several; -1 for none. */
export function findLine(output: Output, wanted: ILine): number {
  return nearest(linesOf(output), wanted.index, line => line === wanted.text);
}

/** Return the lines of an output's text, a traceback's above all, without the codes that color them. */
export function linesOf(output: Output): string[] {
  const text =
    output['output_type'] === 'error'
      ? joined(output['traceback'], '\n')
      : textOf(output);
  return text.replace(ANSI, '').split('\n');
}

function nearest<T>(
  all: readonly T[],
  to: number,
  fits: (one: T) => boolean
): number {
  let best = -1;
  all.forEach((one, index) => {
    if (fits(one) && (best < 0 || Math.abs(index - to) < Math.abs(best - to))) {
      best = index;
    }
  });
  return best;
}

function excerptOf(output: Output): string {
  const text = textOf(output);
  return text.slice(0, step(text, 0, EXCERPT));
}

/** Return what an output says in words, empty where it says nothing so. */
function textOf(output: Output): string {
  switch (output['output_type']) {
    case 'stream':
      return joined(output['text']);
    case 'error':
      return `${joined(output['ename'])}: ${joined(output['evalue'])}`;
    default: {
      const data = output['data'];
      return isRecord(data) ? joined(data['text/plain']) : '';
    }
  }
}

function mimeOf(output: Output): string | null {
  const data = output['data'];
  const types = isRecord(data) ? Object.keys(data).sort() : [];
  return types.find(type => type !== 'text/plain') ?? types[0] ?? null;
}

/** Return text that nbformat also allows to be a list of pieces. */
function joined(value: unknown, by = ''): string {
  if (Array.isArray(value)) {
    return value.filter(piece => typeof piece === 'string').join(by);
  }
  return typeof value === 'string' ? value : '';
}

/** Return a check sum of all that an output shows; its run's number is not shown in it. */
function hash(output: Output): string {
  const shown: Record<string, unknown> = { ...output };
  delete shown['execution_count'];
  delete shown['metadata'];
  const sum = new CheckSum();
  write(shown, sum);
  return `${sum.value.toString(16).padStart(8, '0')}-${sum.length}`;
}

/** Write a value so that it is the same bytes in every language, numbers above all. */
function write(value: unknown, sum: CheckSum): void {
  if (typeof value === 'string') {
    const data = new TextEncoder().encode(replaced(value));
    sum.text(`s${data.length}:`);
    sum.add(data);
  } else if (typeof value === 'boolean') {
    sum.text(value ? 't' : 'f');
  } else if (typeof value === 'number' && Number.isFinite(value)) {
    const data = new DataView(new ArrayBuffer(8));
    data.setFloat64(0, value + 0);
    sum.text('d');
    sum.add(new Uint8Array(data.buffer));
  } else if (Array.isArray(value)) {
    sum.text('[');
    value.forEach(item => write(item, sum));
    sum.text(']');
  } else if (isRecord(value)) {
    sum.text('{');
    const keys = Object.keys(value).filter(key => value[key] !== undefined);
    for (const key of keys.sort(byPoints)) {
      write(key, sum);
      write(value[key], sum);
    }
    sum.text('}');
  } else {
    sum.text('n');
  }
}

/** Sort as Python does, which compares code points. */
function byPoints(one: string, other: string): number {
  const [left, right] = [[...one], [...other]];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const apart = left[at]!.codePointAt(0)! - right[at]!.codePointAt(0)!;
    if (apart) {
      return apart;
    }
  }
  return left.length - right.length;
}

/** Return text with what UTF-8 cannot carry replaced, as Python replaces it. */
function replaced(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '?');
}

/** CRC-32, as zlib counts it. */
class CheckSum {
  length = 0;
  private _value = ~0;

  get value(): number {
    return ~this._value >>> 0;
  }

  add(data: Uint8Array): void {
    let value = this._value;
    for (const byte of data) {
      value = TABLE[(value ^ byte) & 0xff]! ^ (value >>> 8);
    }
    this._value = value;
    this.length += data.length;
  }

  text(ascii: string): void {
    this.add(Uint8Array.from(ascii, char => char.charCodeAt(0)));
  }
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
