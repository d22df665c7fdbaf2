/** Which entries of a long list are in the page, and how high the gaps between them are. Pure. */

/** An entry, or a gap as high as the entries that it stands for. */
export type Part = string | number;

/** Return the entries between two heights and those that are kept, and gaps for all others. */
export function windowed(
  ids: readonly string[],
  heightOf: (id: string) => number,
  [top, bottom]: readonly [number, number],
  isKept: (id: string) => boolean
): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const id of ids) {
    const height = heightOf(id);
    const last = parts.at(-1);
    if ((at + height > top && at < bottom) || isKept(id)) {
      parts.push(id);
    } else if (typeof last === 'number') {
      parts[parts.length - 1] = last + height;
    } else {
      parts.push(height);
    }
    at += height;
  }
  return parts;
}
