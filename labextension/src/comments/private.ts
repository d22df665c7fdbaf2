/** What the server keeps for this person alone: what was read, and what is half written (docs/protocol.md, 3.4). */

import { type ISignal, Signal } from '@lumino/signaling';
import { isRecord } from '../presence/identity';
import type { IEvent } from '../protocol/event';
import type { IAsker } from './asking';
import type { Discussion } from './discussion';
import type { IThread } from './threads';

/** The document's provider, which tells of what this person does in another tab. */
export interface IPrivateAsker extends IAsker {
  readonly eventReceived: ISignal<unknown, IEvent>;
}

/** Where what is half written outlives the page, until the server has it; an empty text is one to forget. */
export interface IHalfWritten {
  load(): Promise<ReadonlyMap<string, string>>;
  save(key: string, text: string): void;
  remove(key: string): void;
}

/** Milliseconds without a key after which a draft is sent. */
const PAUSE = 800;
/** In place of a thread's id: says that this person was here before. */
const VISITED = '-';

/** Hold it for one document. */
export class Private {
  constructor(
    private readonly _asker: IPrivateAsker,
    private readonly _discussion: Discussion,
    private readonly _kept: IHalfWritten
  ) {
    _asker.stateChanged.connect(this._onState);
    _asker.eventReceived.connect(this._onEvent);
    _discussion.changed.connect(this._begin);
    this._onState();
    void this._restore();
  }

  /** It was read or written in another tab, or has come. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether somebody else wrote something in a thread that this person has not looked at. */
  isUnread({ id, comments }: IThread): boolean {
    const read = this._read.get(id) ?? 0;
    return (
      this._hasCome &&
      comments.some(
        ({ n, by, deleted }) =>
          n >= read && !deleted && !this._discussion.isMine(by)
      )
    );
  }

  get unread(): number {
    const { threads } = this._discussion;
    return threads.filter(one => this.isUnread(one)).length;
  }

  /** Note that a thread was looked at. */
  read(thread: IThread): void {
    if (this.isUnread(thread)) {
      this._mark([thread]);
      this._changed.emit();
    }
  }

  /** Return what is half written, empty for nothing. */
  draft(key: string): string {
    return this._drafts.get(key) ?? '';
  }

  /** All of it, by key. */
  get drafts(): ReadonlyMap<string, string> {
    return new Map(this._drafts);
  }

  /** Keep what is half written; an empty text is forgotten. */
  keep(key: string, text: string): void {
    if (text === this.draft(key)) {
      return;
    }
    this._write(key, text);
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._send(), PAUSE);
  }

  /** Send what is half written now: the page may be left. */
  flush(): void {
    if (this._unsent.size) {
      this._send();
    }
  }

  dispose(): void {
    this._send();
    this._asker.stateChanged.disconnect(this._onState);
    this._asker.eventReceived.disconnect(this._onEvent);
    this._discussion.changed.disconnect(this._begin);
    Signal.clearData(this);
  }

  private readonly _onState = (): void => {
    if (this._asker.state === 'synced') {
      this._ask('private.get', {});
      this._send();
    }
  };

  /** Take up what an earlier page could not send any more. */
  private async _restore(): Promise<void> {
    const found = await this._kept.load();
    for (const [key, text] of found) {
      if (!this._unsent.has(key)) {
        this._write(key, text);
      }
    }
    if (found.size) {
      this._send();
      this._changed.emit();
    }
  }

  private _write(key: string, text: string): void {
    if (text) {
      this._drafts.set(key, text);
    } else {
      this._drafts.delete(key);
    }
    this._unsent.add(key);
  }

  private readonly _onEvent = (_: unknown, { name, params }: IEvent): void => {
    if (name === 'private') {
      this._take(params);
    }
  };

  private _send(): void {
    clearTimeout(this._timer);
    // Of a page that is being closed, what is sent does not always arrive.
    this._unsent.forEach(key => this._kept.save(key, this.draft(key)));
    if (this._asker.state === 'synced') {
      for (const key of this._unsent) {
        const text = this._drafts.get(key) ?? null;
        this._ask('private.draft', { key, text }, () => {
          if ((this._drafts.get(key) ?? null) === text) {
            this._unsent.delete(key);
            this._kept.remove(key);
          }
        });
      }
    }
  }

  private _ask(
    method: string,
    params: Record<string, unknown>,
    done: () => void = () => undefined
  ): void {
    this._asker.request(method, params).then(
      answer => {
        done();
        this._take(answer);
      },
      // Without a connection it is asked again when there is one; a refusal costs no words of the person's.
      () => undefined
    );
  }

  private _take(answer: unknown): void {
    if (!isRecord(answer)) {
      return;
    }
    const { read, drafts } = answer;
    if (!isRecord(read) || !isRecord(drafts)) {
      return;
    }
    for (const [id, count] of Object.entries(read)) {
      this._read.set(id, Math.max(Number(count) || 0, this._read.get(id) ?? 0));
    }
    const kept = [...this._drafts].filter(([key]) => this._unsent.has(key));
    this._drafts = new Map(
      Object.entries(drafts)
        .filter(([key]) => !this._unsent.has(key))
        .map(([key, text]) => [key, String(text)])
    );
    kept.forEach(([key, text]) => this._drafts.set(key, text));
    this._hasAnswer = true;
    this._begin();
    this._changed.emit();
  }

  /** What was there when this person came for the first time is no news. */
  private readonly _begin = (): void => {
    if (this._hasAnswer && this._discussion.isReady && !this._hasCome) {
      this._hasCome = true;
      if (!this._read.size) {
        this._mark(this._discussion.threads, { [VISITED]: 1 });
      }
    }
  };

  private _mark(
    threads: readonly IThread[],
    marks: Record<string, number> = {}
  ): void {
    for (const { id, comments } of threads) {
      marks[id] = Math.max(0, ...comments.map(({ n }) => n + 1));
      this._read.set(id, marks[id]);
    }
    this._ask('private.read', { threads: marks });
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _read = new Map<string, number>();
  private readonly _unsent = new Set<string>();
  private _drafts = new Map<string, string>();
  private _hasAnswer = false;
  private _hasCome = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
