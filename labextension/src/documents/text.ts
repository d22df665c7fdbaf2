/** Text, edited by minimal difference; positions are UTF-16 units, never inside a surrogate pair. */

/** Replace `start` to `stop` by `text`. */
export interface IEdit {
  readonly start: number;
  readonly stop: number;
  readonly text: string;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Return the one edit that makes `after` of `before`: what is between their common ends, or null where they are equal. */
export function diff(before: string, after: string): IEdit | null {
  if (before === after) {
    return null;
  }
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) {
    head += 1;
  }
  if (isLow(before.charCodeAt(head)) || isLow(after.charCodeAt(head))) {
    head = Math.max(0, head - 1);
  }
  let tail = 0;
  while (
    tail < most - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail += 1;
  }
  if (tail && isLow(before.charCodeAt(before.length - tail))) {
    tail -= 1;
  }
  return {
    start: head,
    stop: before.length - tail,
    text: after.slice(head, after.length - tail)
  };
}

/**
 * Merge two changes of one text, or return null where they touch each other.
 *
 * Adjoining changes count as touching: which comes first would be a guess.
 */
export function merge(
  base: string,
  mine: string,
  theirs: string
): string | null {
  if (mine === theirs || mine === base) {
    return theirs;
  }
  const my = diff(base, mine);
  const their = diff(base, theirs);
  if (!my || !their) {
    return mine;
  }
  if (my.stop < their.start) {
    return theirs.slice(0, my.start) + my.text + theirs.slice(my.stop);
  }
  if (their.stop < my.start) {
    const shift = their.text.length - (their.stop - their.start);
    return (
      theirs.slice(0, my.start + shift) +
      my.text +
      theirs.slice(my.stop + shift)
    );
  }
  return null;
}
