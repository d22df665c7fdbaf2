/** Back-off: how long to wait before trying again. */

/** Double the wait with each failure, with jitter so that the tabs of a restarted server do not return at once. */
export class Backoff {
  /**
   * @param _first the first wait in milliseconds.
   * @param _most the longest wait in milliseconds.
   * @param _random a number from 0 up to 1.
   */
  constructor(
    private readonly _first = 500,
    private readonly _most = 15_000,
    private readonly _random: () => number = Math.random
  ) {}

  /** How often `next` was called since the last `reset`. */
  get failures(): number {
    return this._failures;
  }

  /** Return the next wait in milliseconds, between half and all of the doubled one. */
  next(): number {
    const whole = Math.min(this._most, this._first * 2 ** this._failures);
    this._failures += 1;
    return whole * (0.5 + this._random() / 2);
  }

  /** Start again with the first wait. */
  reset(): void {
    this._failures = 0;
  }

  private _failures = 0;
}
