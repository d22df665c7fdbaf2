/** How many changes of this tab are not in the relay's log yet, and since when (section 3.2). */

import { Awaiting } from './awaiting';

interface ICounted {
  readonly count: number;
  /** Milliseconds since the epoch, of the first of them. */
  readonly since: number;
}

/** Count changes from when they are made until they are acknowledged. */
export class Pending extends Awaiting<ICounted> {
  constructor() {
    super(({ count, since }, later) => ({
      count: count + later.count,
      since
    }));
  }

  get count(): number {
    return this.all.reduce((sum, { count }) => sum + count, 0);
  }

  /** When the oldest of them was made, in milliseconds since the epoch; null where there are none. */
  get since(): number | null {
    return this.all[0]?.since ?? null;
  }

  /** Note a change. */
  note(now = Date.now()): void {
    this.add({ count: 1, since: now });
  }
}
