/** Waits that can be cut short: all that wait for a better moment try at once when somebody says that it has come. */

interface IWait {
  readonly timer: ReturnType<typeof setTimeout>;
  readonly resolve: () => void;
}

/** Wait, until the time is over or `wake` is called. */
export class Waits {
  /** @param duration milliseconds. */
  for(duration: number): Promise<void> {
    return new Promise(resolve => {
      const wait: IWait = {
        timer: setTimeout(() => this._end(wait), duration),
        resolve
      };
      this._waits.add(wait);
    });
  }

  /** End all waits. */
  wake(): void {
    [...this._waits].forEach(wait => this._end(wait));
  }

  private _end(wait: IWait): void {
    clearTimeout(wait.timer);
    this._waits.delete(wait);
    wait.resolve();
  }

  private readonly _waits = new Set<IWait>();
}
