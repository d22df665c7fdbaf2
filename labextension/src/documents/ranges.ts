/** Sets of CRDT items, as ranges of clocks of clients. */

/** So many items of a client, from one on. */
interface IRange {
  readonly clock: number;
  length: number;
}

/** Keep ranges; each is added once, mostly behind the last one. */
export class Ranges {
  get isEmpty(): boolean {
    return this._ranges.size === 0;
  }

  add(client: number, clock: number, length: number): void {
    const ranges = this._ranges.get(client) ?? [];
    this._ranges.set(client, ranges);
    const last = ranges.at(-1);
    if (last && last.clock + last.length === clock) {
      last.length += length;
    } else {
      ranges.push({ clock, length });
    }
  }

  /** Return for each of `length` items whether it is in the set, as alternating runs: first of those that are not. */
  runs(client: number, clock: number, length: number): number[] {
    const end = clock + length;
    const runs: number[] = [];
    let at = clock;
    const inside = (this._ranges.get(client) ?? [])
      .filter(range => range.clock < end && range.clock + range.length > clock)
      .sort((a, b) => a.clock - b.clock);
    for (const range of inside) {
      const from = Math.max(range.clock, at);
      const to = Math.min(range.clock + range.length, end);
      runs.push(from - at, to - from);
      at = to;
    }
    runs.push(end - at);
    return runs;
  }

  private readonly _ranges = new Map<number, IRange[]>();
}
