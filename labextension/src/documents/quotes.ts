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
const MOST_OCCURRENCES = 200;

/** How alike a text must be to be taken for the quote, and how long a quote of which that can be said. */
const LEAST_SIMILAR = 0.7;
const SHORTEST_SIMILAR = 5;

/** What a comparison may cost, in code points of the one times those of the other. */
const MOST_WORK = 4_000_000;

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

/** Return where a quote stands to the letter: with most of its context, then nearest to `near`. */
export function bestOccurrence(
  text: string,
  quote: IQuote,
  near = 0
): IOccurrence | null {
  const length = quotedLength(quote);
  const found: [number, number][] = [];
  let start = quote.exact ? text.indexOf(quote.exact) : -1;
  while (start >= 0 && found.length < MOST_OCCURRENCES) {
    found.push([start, step(text, start, length)]);
    start = text.indexOf(quote.exact, start + 1);
  }
  const far = (at: number) =>
    at < near
      ? countPoints(text.slice(at, near))
      : countPoints(text.slice(near, at));
  let best: IOccurrence | null = null;
  for (const [start, stop] of found) {
    const [score, oneSide] = context(text, start, stop, quote);
    if (
      !best ||
      score > best.score ||
      (score === best.score && far(start) < far(best.start))
    ) {
      best = { start, stop, score, oneSide, alone: found.length === 1 };
    }
  }
  return best;
}

/** Return how much of the context is around a place: of all of it, and of its better side. */
function context(
  text: string,
  start: number,
  stop: number,
  quote: IQuote
): [number, number] {
  const before = text.slice(step(text, start, -CONTEXT), start);
  const after = text.slice(stop, step(text, stop, CONTEXT));
  const sides = [
    side([...quote.prefix].reverse(), [...before].reverse()),
    side([...quote.suffix], [...after])
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

/** Return how much of one side of the context is there, and how much there is; both from the quote on. */
function side(expected: string[], found: string[]): [number, number] {
  const common = commonHead(expected, found);
  if (expected.length === CONTEXT) {
    return [common, CONTEXT];
  }
  const atEdge = common === expected.length && common === found.length;
  return [common + (atEdge ? EDGE : 0), expected.length + EDGE];
}

function commonHead(one: string[], other: string[]): number {
  const most = Math.min(one.length, other.length);
  let common = 0;
  while (common < most && one[common] === other[common]) {
    common += 1;
  }
  return common;
}

/** Return how alike two texts are, 0 to 1: the share of the longer that need not be edited. */
export function similarity(one: string, other: string): number {
  if (one === other) {
    return 1;
  }
  const [left, right] = [[...one], [...other]];
  const longer = Math.max(left.length, right.length);
  if (left.length * right.length > MOST_WORK) {
    const head = commonHead(left, right);
    const tail = commonHead(
      left.slice(head).reverse(),
      right.slice(head).reverse()
    );
    return (head + tail) / longer;
  }
  return 1 - distances(left, right, false)[right.length]! / longer;
}

/**
 * Return how alike, and where, a stretch of text is that is like the quote; null for none.
 *
 * The most alike, then the one that ends first; whole words.
 */
export function findSimilar(
  text: string,
  quote: IQuote
): { alike: number; start: number; stop: number } | null {
  const exact = [...quote.exact];
  const size = exact.length;
  const points = [...text];
  if (
    size < SHORTEST_SIMILAR ||
    quote.length !== undefined ||
    size * points.length > MOST_WORK
  ) {
    return null;
  }
  const ends = distances(exact, points, true);
  const least = ends.reduce((one, other) => Math.min(one, other));
  if (1 - least / size < LEAST_SIMILAR) {
    return null;
  }
  const stop = ends.indexOf(least);
  const back = distances(
    exact.slice().reverse(),
    points.slice(Math.max(stop - 2 * size, 0), stop).reverse(),
    false
  );
  let reach = -1;
  back.forEach((distance, one) => {
    const off = Math.abs(one - size) - Math.abs(reach - size);
    if (distance === least && (reach < 0 || off <= 0)) {
      reach = one;
    }
  });
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
 * @param anywhere whether what is compared may begin anywhere in the prefix.
 */
function distances(
  pattern: string[],
  text: string[],
  anywhere: boolean
): number[] {
  const column = Int32Array.from(
    { length: pattern.length + 1 },
    (_, row) => row
  );
  const scores = [pattern.length];
  for (let at = 0; at < text.length; at++) {
    let diagonal = column[0]!;
    column[0] = anywhere ? 0 : at + 1;
    for (let row = 1; row <= pattern.length; row++) {
      const replaced = diagonal + (pattern[row - 1] === text[at] ? 0 : 1);
      diagonal = column[row]!;
      const shorter = Math.min(diagonal, column[row - 1]!) + 1;
      column[row] = Math.min(replaced, shorter);
    }
    scores.push(column[pattern.length]!);
  }
  return scores;
}
