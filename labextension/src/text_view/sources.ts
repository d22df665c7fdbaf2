/** The source of a cell within a notebook's text: there it is JSON, in one string or in one a line. */

import type { ICellSpan } from './cells';

/** Translates between the two. */
export interface ISource {
  readonly string: string;
  /** Return where a stretch of the source stands in the text. */
  toText(start: number, end: number): [number, number];
  /** Return which stretch of the source is in a stretch of the text, null where that has none of it. */
  fromText(start: number, end: number): [number, number] | null;
}

/** Return the source of a cell, null where the text has none that can be read. */
export function sourceOf(text: string, span: ICellSpan): ISource | null {
  const found = findSource(text, span);
  if (found === null) {
    return null;
  }
  // Where each unit of the source begins in the text, and where it ends.
  const starts: number[] = [];
  const ends: number[] = [];
  let string = '';
  const isList = text[found] === '[';
  let at = isList ? skip(text, found + 1) : found;
  while (text[at] === '"') {
    at += 1;
    while (at < span.stop && text[at] !== '"') {
      const size = text[at] !== '\\' ? 1 : text[at + 1] === 'u' ? 6 : 2;
      const written = text.slice(at, at + size);
      starts.push(at);
      string += size === 1 ? written : unescape(written);
      at += size;
      ends.push(at);
    }
    const next = skip(text, at + 1);
    if (!isList || text[next] !== ',') {
      at = isList ? next : at;
      break;
    }
    at = skip(text, next + 1);
  }
  const isWhole = text[at] === (isList ? ']' : '"') && at < span.stop;
  if (!isWhole || string.length !== starts.length) {
    return null;
  }
  const end = at;
  const place = (unit: number) => starts[unit] ?? end;
  return {
    string,
    toText: (start, stop) => [
      place(start),
      stop > start ? (ends[stop - 1] ?? end) : place(start)
    ],
    fromText: (start, stop) => {
      const first = ends.findIndex(one => one > start);
      let last = starts.length - 1;
      while (last >= 0 && starts[last]! >= stop) {
        last -= 1;
      }
      return first < 0 || last < first ? null : [first, last + 1];
    }
  };
}

/** Return where the value of a cell's `source` begins. */
function findSource(text: string, { start, stop }: ICellSpan): number | null {
  let depth = 0;
  for (let at = start; at < stop; at++) {
    const char = text[at]!;
    if (char === '"') {
      const key = /^"source"\s*:\s*(?=["[])/.exec(text.slice(at, at + 200));
      if (depth === 1 && key) {
        return at + key[0].length;
      }
      for (at += 1; at < stop && text[at] !== '"'; at++) {
        at += text[at] === '\\' ? 1 : 0;
      }
    } else if (char === '{' || char === '[') {
      depth += 1;
    } else if (char === '}' || char === ']') {
      depth -= 1;
    }
  }
  return null;
}

function skip(text: string, at: number): number {
  let next = at;
  while (/\s/.test(text[next] ?? '')) {
    next += 1;
  }
  return next;
}

function unescape(written: string): string {
  try {
    return JSON.parse(`"${written}"`) as string;
  } catch {
    return '';
  }
}
