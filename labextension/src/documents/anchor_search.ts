/** Where an anchor is looked for: by position, by quote here, then elsewhere, then by likeness (docs/schema.md). */

import {
  FILE,
  type IInCell,
  type IPosition,
  type Places
} from './anchor_places';
import {
  bestOccurrence,
  countPoints,
  findSimilar,
  type IOccurrence,
  type IQuote,
  MOST_OCCURRENCES,
  quotedLength,
  similarity,
  step
} from './quotes';

/** What is known of a text or a cell that is looked for. */
export interface IWanted extends IInCell {
  readonly kind: string;
  readonly quote: IQuote;
}

/** What is known of a text that is looked for. */
export interface IWantedRange extends IWanted {
  readonly position: { readonly start: IPosition; readonly end: IPosition };
  readonly line: number;
  readonly original?: string;
}

/** Where a range is: in the cell of an index, from offset to offset. */
export interface IFound {
  readonly where: number;
  readonly start: number;
  readonly end: number;
  readonly state: 'exact' | 'moved' | 'changed';
  readonly confidence: number;
  /** Whether its position led there. */
  readonly atPosition: boolean;
}

/** From here on the text at the position is taken for the quote, edited; below, the quote is looked for first. */
const EDITED = 0.5;

/** Return where the text of an anchor is, null where it is nowhere. */
export function findRange(places: Places, anchor: IWantedRange): IFound | null {
  const { exact } = anchor.quote;
  const own = places.own(anchor);
  const left = atPosition(places, anchor, own);
  if (left && (left.state === 'exact' || left.confidence >= EDITED)) {
    return left;
  }
  const quoted = (wanted: IWantedRange) =>
    quotedHere(places, wanted, own, left) ??
    quotedElsewhere(places, wanted, own);
  const first = { ...anchor.quote, exact: anchor.original ?? '' };
  const found = exact
    ? (quoted(anchor) ??
      (first.exact ? quoted({ ...anchor, quote: first }) : null) ??
      similar(places, anchor, own, left))
    : null;
  if (found) {
    return asLines(places, anchor, found);
  }
  return left && (left.start < left.end || !exact) ? left : null;
}

/** Return where the cell of an anchor is, and how sure that is; null where it is nowhere. */
export function findCell(
  places: Places,
  anchor: IWanted
): { where: number; confidence: number } | null {
  const own = places.own(anchor);
  return own.length
    ? { where: own[0]!, confidence: 1 }
    : quotedElsewhere(places, anchor, own);
}

/** Return what was found as it looks beside what the anchor was about first, which may be back. */
export function withOriginal(
  places: Places,
  anchor: IWantedRange,
  found: IFound
): IFound {
  const { original } = anchor;
  if (original === undefined) {
    return found;
  }
  const string = places.string(found.where);
  const now = string.slice(found.start, found.end);
  if (now === original) {
    const state = found.atPosition ? 'exact' : 'moved';
    return { ...found, state, confidence: 1 };
  }
  if (original) {
    const size = countPoints(original);
    const from = step(string, found.start, -size);
    const at = string.slice(from, step(string, found.end, size));
    const start = from + at.indexOf(original);
    if (start >= from) {
      const end = start + original.length;
      return moved(found.where, start, end, 1);
    }
  }
  return {
    ...found,
    state: 'changed',
    confidence: similarity(original, now, places.work)
  };
}

/** Return what is where the anchor's position is: of twins the one that has the quote, else the first. */
function atPosition(
  places: Places,
  anchor: IWantedRange,
  own: readonly number[]
): IFound | null {
  const { exact } = anchor.quote;
  let first: IFound | null = null;
  for (const where of own) {
    const text = places.text(where);
    let start = text?.find(anchor.position.start) ?? null;
    let end = text?.find(anchor.position.end) ?? null;
    if (!text || start === null || end === null) {
      continue;
    }
    if (start > end && !exact) {
      [start, end] = [end, start]; // written where nothing was
    }
    if (start > end) {
      continue;
    }
    const gone = start === end && exact;
    if (anchor.kind === 'line' && !gone) {
      [start, end] = wholeLines(text.string, start, end);
    }
    const now = text.string.slice(start, end);
    const found = { where, start, end, atPosition: true };
    if (
      now.startsWith(exact) &&
      countPoints(now) === quotedLength(anchor.quote)
    ) {
      return { ...found, state: 'exact', confidence: 1 };
    }
    const confidence = start < end ? similarity(exact, now, places.work) : 0;
    first ??= { ...found, state: 'changed', confidence };
  }
  return first;
}

function quotedHere(
  places: Places,
  anchor: IWantedRange,
  own: readonly number[],
  left: IFound | null
): IFound | null {
  const { quote } = anchor;
  for (const where of own) {
    const string = places.string(where);
    const near = nearIn(string, anchor, where, left);
    const found = bestOccurrence(string, quote, places.work, near);
    if (
      found &&
      (found.score >= 0.3 ||
        found.oneSide >= 0.5 ||
        (found.alone && countPoints(quote.exact) >= 6))
    ) {
      return movedTo(where, found);
    }
  }
  return null;
}

/** Return where the quote is in another cell, if it looks like the same place and not just like the same words. */
function quotedElsewhere(
  places: Places,
  anchor: IWanted,
  own: readonly number[]
): IFound | null {
  const { quote } = anchor;
  if (!quote.exact || own[0] === FILE) {
    return null;
  }
  const hint = places.hint(anchor);
  let best: { where: number; found: IOccurrence } | null = null;
  let hits = 0;
  const { work } = places;
  const end = work.places + MOST_OCCURRENCES;
  for (const where of places.holding(quote.exact, hint)) {
    const most = end - work.places;
    // Further away it would have to have more of its context.
    if (most <= 0 || best?.found.score === 1) {
      break;
    }
    const found = own.includes(where)
      ? null
      : bestOccurrence(places.string(where), quote, work, 0, most);
    if (!found) {
      continue;
    }
    hits += 1;
    if (!best || found.score > best.found.score) {
      best = { where, found };
    }
  }
  if (!best) {
    return null;
  }
  const { where, found } = best;
  const enough = own.length ? 12 : 6;
  const alone = found.alone && hits === 1 && countPoints(quote.exact) >= enough;
  return found.score >= (own.length ? 0.6 : 0.5) || found.oneSide === 1 || alone
    ? movedTo(where, found)
    : null;
}

/** Return what is like the quote in its cell; where that is gone, in those that stood beside it. */
function similar(
  places: Places,
  anchor: IWantedRange,
  own: readonly number[],
  left: IFound | null
): IFound | null {
  const beside = (anchor.near ?? []).map(cellId => places.find(cellId));
  let best: IFound | null = null;
  for (const where of own.length ? own : beside) {
    if (where === null) {
      continue;
    }
    const string = places.string(where);
    const near = nearIn(string, anchor, where, left);
    const found = findSimilar(string, anchor.quote, places.work, near);
    if (found && found.alike > (best?.confidence ?? 0)) {
      best = {
        where,
        start: found.start,
        end: found.stop,
        state: 'changed',
        confidence: found.alike,
        atPosition: false
      };
    }
  }
  return best;
}

/** Return what was found, where an anchor is at a line, as all of the line in which that is now. */
function asLines(places: Places, anchor: IWantedRange, found: IFound): IFound {
  const string = places.string(found.where);
  const [start, end] = wholeLines(string, found.start, found.end);
  if (anchor.kind !== 'line' || (start === found.start && end === found.end)) {
    return found;
  }
  const confidence = similarity(
    anchor.quote.exact,
    string.slice(start, end),
    places.work
  );
  return { ...found, start, end, state: 'changed', confidence };
}

function movedTo(where: number, found: IOccurrence): IFound {
  return moved(where, found.start, found.stop, 0.5 + found.score / 2);
}

function moved(
  where: number,
  start: number,
  end: number,
  confidence: number
): IFound {
  return { where, start, end, state: 'moved', confidence, atPosition: false };
}

function wholeLines(
  string: string,
  start: number,
  end: number
): [number, number] {
  const stop = string.indexOf('\n', end);
  const first = start ? string.lastIndexOf('\n', start - 1) + 1 : 0;
  return [first, stop < 0 ? string.length : stop];
}

/** Return about where in a text an anchor was: at what is left of it, or else at the same line. */
function nearIn(
  string: string,
  anchor: IWantedRange,
  where: number,
  left: IFound | null
): number {
  return left?.where === where ? left.start : lineStart(string, anchor.line);
}

function lineStart(string: string, line: number): number {
  let start = 0;
  for (let left = line; left > 0; left--) {
    const following = string.indexOf('\n', start) + 1;
    if (!following) {
      break;
    }
    start = following;
  }
  return start;
}
