/**
 * Find a quoted text again: by its words and by what stood around them (docs/schema.md, "Anchors").
 *
 * Offsets are UTF-16 units; what is counted are code points, so that everything comes out as in
 * `rtc_widgets/documents/quotes.py` to the last digit.
 */

/** A quote as in the anchor's JSON. */
export interface IQuote {
  readonly exact: string;
  readonly prefix: string;
  readonly suffix: string;
  /** In code points, where `exact` is only its beginning. */
  readonly length?: number;
}

/** Where a quote stands, and how much of its context does too. */
export interface IOccurrence {
  readonly start: number;
  readonly stop: number;
  /** Of all its context, how much is there: 0 to 1. */
  readonly score: number;
  /** The same of the better side, where that has at least 16 code points; else 0. */
  readonly oneSide: number;
  /** Whether it stands nowhere else in this text. */
  readonly alone: boolean;
}

const CONTEXT = 32;
const MOST_QUOTED = 1000;

/** What it counts that a quote stands at the beginning or the end of its text, in code points of context. */
const EDGE = 8;

/** Occurrences that are looked at; a text of one letter would have as many as it has letters. */
export const MOST_OCCURRENCES = 200;

/** How alike a text must be to be taken for the quote, and how long a quote of which that can be said. */
const LEAST_SIMILAR = 0.7;
const SHORTEST_SIMILAR = 5;

/** Code points of a text in which likeness is looked for, or of which it is told. */
export const MOST_COMPARED = 6000;

/** Counts what was done, for whoever holds it to its bounds. */
export class Work {
  /** Occurrences of quotes that were looked at. */
  places = 0;
  /** Code points of texts that were compared to quotes for likeness. */
  compared = 0;
}

/** Return the number of code points. */
export function countPoints(text: string): number {
  let count = text.length;
  for (let at = 1; at < text.length; at++) {
    count -= splitsPair(text, at) ? 1 : 0;
  }
  return count;
}

/** Tell whether an offset is inside a surrogate pair. */
export function splitsPair(text: string, at: number): boolean {
  const low = text.charCodeAt(at);
  const high = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low <= 0xdfff && high >= 0xd800 && high <= 0xdbff;
}

/** Return the offset that is so many code points further, or back where that is negative; at most at an end. */
export function step(text: string, from: number, points: number): number {
  let at = from;
  for (let left = points; left > 0 && at < text.length; left--) {
    at += splitsPair(text, at + 1) ? 2 : 1;
  }
  for (let left = points; left < 0 && at > 0; left++) {
    at -= splitsPair(text, at - 1) ? 2 : 1;
  }
  return at;
}

/** Return the quote of a stretch of text. */
export function makeQuote(text: string, start: number, stop: number): IQuote {
  const length = countPoints(text.slice(start, stop));
  const end = length > MOST_QUOTED ? step(text, start, MOST_QUOTED) : stop;
  return {
    exact: text.slice(start, end),
    prefix: text.slice(step(text, start, -CONTEXT), start),
    suffix: text.slice(stop, step(text, stop, CONTEXT)),
    ...(length > MOST_QUOTED ? { length } : {})
  };
}

/** Return how long the quoted text was, in code points. */
export function quotedLength(quote: IQuote): number {
  return Math.max(quote.length ?? 0, countPoints(quote.exact));
}

/**
 * Return where a quote stands to the letter: with most of its context, then nearest to `near`.
 *
 * @param most how many places are looked at.
 */
export function bestOccurrence(
  text: string,
  quote: IQuote,
  work: Work,
  near = 0,
  most = MOST_OCCURRENCES
): IOccurrence | null {
  const { exact } = quote;
  const length = quotedLength(quote);
  const points = new Points(text);
  const wanted = points.of(near);
  const context = new Context(quote);
  let best: IOccurrence | null = null;
  let distance = 0;
  let start = exact ? text.indexOf(exact) : -1;
  let alone = true;
  for (let left = most; left > 0 && start >= 0; left--) {
    work.places += 1;
    const at = points.of(start);
    const stop = points.unit(at + length);
    const [score, oneSide] = context.around(text, start, stop);
    const following = text.indexOf(exact, start + 1);
    alone &&= following < 0;
    const off = Math.abs(at - wanted);
    if (
      !best ||
      score > best.score ||
      (score === best.score && off < distance)
    ) {
      best = { start, stop, score, oneSide, alone };
      distance = off;
    }
    start = following;
  }
  return best;
}

/** The code points of a text, by number. */
class Points {
  constructor(private readonly _text: string) {
    if (SURROGATE.test(_text)) {
      const numbers = new Int32Array(_text.length + 1);
      const units: number[] = [];
      for (let at = 0; at <= _text.length; at++) {
        if (at === 0 || !splitsPair(_text, at)) {
          units.push(at);
        }
        numbers[at] = units.length - 1;
      }
      this._numbers = numbers;
      this._units = units;
    }
  }

  /** Return how many are in front of an offset. */
  of(offset: number): number {
    const at = Math.max(0, Math.min(offset, this._text.length));
    return this._numbers ? this._numbers[at]! : at;
  }

  /** Return the offset behind so many, at most the end. */
  unit(count: number): number {
    const at = Math.max(0, count);
    return this._units
      ? (this._units[at] ?? this._text.length)
      : Math.min(at, this._text.length);
  }

  private readonly _numbers: Int32Array | null = null;
  private readonly _units: readonly number[] | null = null;
}

/** What stood around a quote. */
class Context {
  constructor(private readonly _quote: IQuote) {
    this._before = countPoints(_quote.prefix);
    this._behind = countPoints(_quote.suffix);
  }

  /** Return how much of it is around a place: of all of it, and of its better side. */
  around(text: string, start: number, stop: number): [number, number] {
    const { prefix, suffix } = this._quote;
    const sides = [
      side(commonEnd(prefix, text, start), this._before, start, -1, text),
      side(commonHead(suffix, text, stop), this._behind, stop, 1, text)
    ];
    let there = 0;
    let total = 0;
    let better = 0;
    for (const [part, most] of sides) {
      there += part;
      total += most;
      better = most >= 16 ? Math.max(better, part / most) : better;
    }
    return [there / total, better];
  }

  private readonly _before: number;
  private readonly _behind: number;
}

/** Return how much of one side of the context is there, and how much there is; both from the quote on. */
function side(
  common: number,
  expected: number,
  from: number,
  way: 1 | -1,
  text: string
): [number, number] {
  if (expected === CONTEXT) {
    return [common, CONTEXT];
  }
  const isEdge =
    common === expected &&
    step(text, from, way * common) === (way > 0 ? text.length : 0);
  return [common + (isEdge ? EDGE : 0), expected + EDGE];
}

/** Return how many code points of a quote's suffix stand at an offset; no more than count. */
function commonHead(suffix: string, text: string, offset: number): number {
  let at = 0;
  while (at < suffix.length && suffix[at] === text[offset + at]) {
    at += 1;
  }
  const isSplit = splitsPair(suffix, at) || splitsPair(text, offset + at);
  const count = countPoints(suffix.slice(0, at > 0 && isSplit ? at - 1 : at));
  return Math.min(count, CONTEXT);
}

/** Return how many code points of a quote's prefix end at an offset; no more than count. */
function commonEnd(prefix: string, text: string, offset: number): number {
  const { length } = prefix;
  let at = 0;
  while (
    at < length &&
    at < offset &&
    prefix[length - 1 - at] === text[offset - 1 - at]
  ) {
    at += 1;
  }
  const isSplit =
    splitsPair(prefix, length - at) || splitsPair(text, offset - at);
  const count = countPoints(
    prefix.slice(length - at + (at > 0 && isSplit ? 1 : 0))
  );
  return Math.min(count, CONTEXT);
}

/** Return how alike two texts are, 0 to 1: the share of the longer that need not be edited. */
export function similarity(one: string, other: string, work: Work): number {
  if (one === other) {
    return 1;
  }
  const [all, every] = [[...one], [...other]];
  const longer = Math.max(all.length, every.length);
  const shorter = Math.min(all.length, every.length);
  let head = 0;
  while (head < shorter && all[head] === every[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < shorter - head && all.at(-1 - tail) === every.at(-1 - tail)) {
    tail += 1;
  }
  const left = all.slice(head, all.length - tail);
  const right = every.slice(head, every.length - tail);
  const most = Math.max(left.length, right.length);
  if (!left.length || !right.length || most > MOST_COMPARED) {
    return 1 - most / longer;
  }
  work.compared += right.length;
  return 1 - distances(left, right, false)[right.length]! / longer;
}

/**
 * Return how alike, and where, a stretch of text is that is like the quote; null for none.
 *
 * The most alike, then the one that ends first; whole words. Of a long text only what is around `near`.
 */
export function findSimilar(
  text: string,
  quote: IQuote,
  work: Work,
  near = 0
): { alike: number; start: number; stop: number } | null {
  const exact = [...quote.exact];
  const size = exact.length;
  if (size < SHORTEST_SIMILAR || quote.length !== undefined) {
    return null;
  }
  const points = [...text];
  const middle = countPoints(text.slice(0, near));
  const from = Math.max(
    0,
    Math.min(middle - MOST_COMPARED / 2, points.length - MOST_COMPARED)
  );
  const part = points.slice(from, from + MOST_COMPARED);
  work.compared += part.length;
  const ends = distances(exact, part, true);
  const least = ends.reduce((one, other) => Math.min(one, other));
  if (1 - least / size < LEAST_SIMILAR) {
    return null;
  }
  const end = ends.indexOf(least);
  const behind = part.slice(Math.max(end - 2 * size, 0), end).reverse();
  work.compared += behind.length;
  const back = distances(exact.slice().reverse(), behind, false);
  let reach = -1;
  back.forEach((distance, one) => {
    const off = Math.abs(one - size) - Math.abs(reach - size);
    if (distance === least && (reach < 0 || off <= 0)) {
      reach = one;
    }
  });
  const stop = from + end;
  const [first, last] = wholeWords(points, stop - reach, stop);
  return {
    alike: 1 - least / size,
    start: points.slice(0, first).join('').length,
    stop: points.slice(0, last).join('').length
  };
}

function wholeWords(
  points: string[],
  start: number,
  stop: number
): [number, number] {
  const cuts = (at: number) =>
    at > 0 &&
    at < points.length &&
    inWord(points[at - 1]!) &&
    inWord(points[at]!);
  while (cuts(start)) {
    start -= 1;
  }
  while (cuts(stop)) {
    stop += 1;
  }
  return [start, stop];
}

function inWord(char: string): boolean {
  // Python and JavaScript do not agree on what else is a letter.
  return char >= '\x80' || /^[A-Za-z0-9_]$/.test(char);
}

/**
 * Return, for each prefix of a text, the edits that make the pattern of the best of its ends, or of all of it.
 *
 * Myers' bit-parallel algorithm (1999), in blocks of 32 code points of the pattern.
 *
 * @param anywhere whether what is compared may begin anywhere in the prefix.
 */
function distances(
  pattern: readonly string[],
  text: readonly string[],
  anywhere: boolean
): number[] {
  const blocks = Math.ceil(pattern.length / BITS);
  const places = new Map<string, Int32Array>();
  pattern.forEach((point, index) => {
    const bits = places.get(point) ?? new Int32Array(blocks);
    bits[Math.floor(index / BITS)]! |= 1 << (index % BITS);
    places.set(point, bits);
  });
  const nowhere = new Int32Array(blocks);
  const ups = new Int32Array(blocks).fill(-1);
  const downs = new Int32Array(blocks);
  const last = 1 << ((pattern.length - 1) % BITS);
  let score = pattern.length;
  const scores = [score];
  for (const point of text) {
    const bits = places.get(point) ?? nowhere;
    // What the row above changes from one code point to the next.
    let more = anywhere ? 0 : 1;
    let less = 0;
    for (let block = 0; block < blocks; block++) {
      const up = ups[block]!;
      const down = downs[block]!;
      const equal = bits[block]! | less;
      const diagonal = (((equal & up) + up) ^ up) | equal;
      let rightUp = down | ~(diagonal | up);
      let rightDown = up & diagonal;
      if (block === blocks - 1) {
        score += rightUp & last ? 1 : rightDown & last ? -1 : 0;
      }
      const over = rightUp >>> (BITS - 1);
      const under = rightDown >>> (BITS - 1);
      rightUp = (rightUp << 1) | more;
      rightDown = (rightDown << 1) | less;
      const vertical = bits[block]! | down;
      ups[block] = rightDown | ~(vertical | rightUp);
      downs[block] = rightUp & vertical;
      more = over;
      less = under;
    }
    scores.push(score);
  }
  return scores;
}

const BITS = 32;
const SURROGATE = /[\ud800-\udfff]/;
