/** Keeps one document's draft: written while something is not acknowledged, removed when all is. */

import type { IDraft, IDraftStore } from '../documents/draft';
import type { CloseCode } from '../protocol/codes';
import type { IUnsent, Provider } from '../provider';
import { own } from './ownership';

/** Milliseconds from a change to its draft, where nothing else will keep it. */
const SOON = 250;
/** Milliseconds that the server is given to acknowledge before a draft is written. */
const PATIENCE = 1_000;
/** Bytes; of a larger update (images in outputs) the texts alone are kept. */
const MOST_BYTES = 8 * 2 ** 20;

/** Where a document ended so, what was typed is offered only: applied again, it would end the document again. */
const OFFERED: readonly CloseCode[] = ['too-large', 'bad-frame'];

/** What a draft says of where it comes from; asked at each writing, for files are renamed. */
export interface ISource {
  readonly at: string;
  readonly room: string;
  readonly user: string;
}

/** Write one document's draft. */
export class Keeper {
  constructor(
    private readonly _store: IDraftStore,
    private readonly _provider: Provider,
    private readonly _source: () => ISource
  ) {
    this._release = own(this.id);
    _provider.changedHere.connect(this._soon, this);
    _provider.acknowledged.connect(this._soon, this);
    _provider.stateChanged.connect(this._soon, this);
    _provider.closed.connect((_, { code, unsent }) => {
      this._last = { unsent, isOffered: OFFERED.includes(code) };
      void this.write();
    });
    window.addEventListener('beforeunload', this._onLeaving);
    window.addEventListener('pagehide', this._onLeave);
    document.addEventListener('visibilitychange', this._onLeave);
  }

  readonly id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;

  /** Write, or remove, now; resolves when that is done. */
  write(isLeaving = false): Promise<void> {
    clearTimeout(this._timer);
    this._timer = undefined;
    if (this._isDisposed) {
      return Promise.resolve();
    }
    const draft = this._draft();
    if (draft) {
      this._isKept = true;
      return this._store.put(draft, isLeaving);
    }
    if (!this._isKept) {
      return Promise.resolve();
    }
    this._isKept = false;
    return this._store.remove(this.id);
  }

  /** Write a last time, before the provider is disposed, which forgets; resolves when that is done. */
  dispose(): Promise<void> {
    window.removeEventListener('beforeunload', this._onLeaving);
    window.removeEventListener('pagehide', this._onLeave);
    document.removeEventListener('visibilitychange', this._onLeave);
    return this.write().finally(() => {
      this._isDisposed = true;
      this._release();
    });
  }

  private _soon(): void {
    const isOnline = this._provider.state === 'synced';
    this._timer ??= setTimeout(
      () => {
        this._timer = undefined;
        void this.write();
      },
      isOnline ? PATIENCE : SOON
    );
  }

  /** JupyterLab asks whether to leave by what the file lacks; what the server lacks is reason enough. */
  private readonly _onLeaving = (event: BeforeUnloadEvent): void => {
    if (this._provider.hasUnsaved) {
      event.preventDefault();
      void this.write(true);
    }
  };

  private readonly _onLeave = (): void => {
    if (document.hidden || this._timer !== undefined) {
      void this.write(true);
    }
  };

  private _draft(): IDraft | null {
    const unsent = this._last ? this._last.unsent : this._provider.unsent();
    if (!unsent) {
      return null;
    }
    const common = { id: this.id, ...this._source(), saved: Date.now() };
    if (this._last?.isOffered) {
      const { texts } = unsent;
      return {
        ...common,
        ...unsent,
        update: null,
        texts: [],
        undecided: texts
      };
    }
    const isLarge = unsent.update.length > MOST_BYTES;
    const update = isLarge ? null : unsent.update;
    return { ...common, ...unsent, update, undecided: [] };
  }

  private readonly _release: () => void;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _last: { unsent: IUnsent | null; isOffered: boolean } | null = null;
  private _isKept = false;
  private _isDisposed = false;
}
