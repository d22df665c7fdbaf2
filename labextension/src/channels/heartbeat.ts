/** Notices that the other side is gone without a word: a closed lid, another Wi-Fi, a cable that was pulled. */

/** Milliseconds. */
export interface IHeartbeatTimes {
  /** After how long a silence the other side is asked whether it is there. */
  readonly quiet: number;
  /** How long it may take to answer. */
  readonly patience: number;
}

export const TIMES: IHeartbeatTimes = { quiet: 10_000, patience: 5_000 };

/** A timer that is so late slept, with the whole computer or in a background tab: what it waited for may lie unread. */
const SLEPT = 2_000;

/** Whoever types is told sooner: after so short a silence what is sent is sent with a question. */
const ACTIVE = 2_000;

/** Ask a quiet peer for a sign of life, and tell when none comes. */
export class Heartbeat {
  /**
   * @param _ask sends something that is answered.
   * @param _dead hears that no answer came; nothing is asked after that.
   */
  constructor(
    private readonly _ask: () => void,
    private readonly _dead: () => void,
    private readonly _times: IHeartbeatTimes = TIMES
  ) {}

  /** Begin to watch, with a question. */
  start(): void {
    this.probe();
  }

  /** Watch no more. */
  stop(): void {
    clearTimeout(this._timer);
    this._asked = false;
  }

  /** Something came: the other side is there. */
  heard(): void {
    this._heardAt = Date.now();
    this._asked = false;
  }

  /** Something was sent: if it does not arrive, that is to be known soon. */
  sent(): void {
    if (Date.now() - this._heardAt > ACTIVE) {
      this.probe();
    }
  }

  /** Ask now: something says that the connection may have gone. */
  probe(): void {
    if (!this._asked) {
      this._asked = true;
      this._ask();
      this._wait(this._times.patience);
    }
  }

  private _wait(duration: number): void {
    clearTimeout(this._timer);
    const due = Date.now() + duration;
    this._timer = setTimeout(() => this._look(due), duration);
  }

  private _look(due: number): void {
    if (!this._asked) {
      const silence = Date.now() - this._heardAt;
      if (silence < this._times.quiet) {
        this._wait(this._times.quiet - silence);
      } else {
        this.probe();
      }
    } else if (Date.now() - due > SLEPT) {
      this._asked = false;
      this.probe();
    } else {
      this._asked = false;
      this._dead();
    }
  }

  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _asked = false;
  private _heardAt = 0;
}
