/** Saves that a person asks for without a connection: said at once, done when it is back. */

import { type ISignal, Signal } from '@lumino/signaling';
import { NotConnected } from './errors';
import type { Provider } from './provider';
import type { ILiveDocument } from './tokens';

/** What became of a save that had to wait. */
export interface IPostponed {
  readonly document: ILiveDocument;
  readonly state: 'waits' | 'done' | 'failed';
  /** Why it failed, for a person. */
  readonly reason: string;
}

/** Hold the saves that wait. */
export class PostponedSaves {
  get changed(): ISignal<this, IPostponed> {
    return this._changed;
  }

  /** Do something for a save; where the connection is gone or goes, the save waits, and JupyterLab is told to leave it at that. */
  async orPostpone<T>(
    document: ILiveDocument,
    action: () => Promise<T>
  ): Promise<T> {
    try {
      return await whileConnected(document.provider, action);
    } catch (error) {
      if (error instanceof NotConnected && isAway(document.provider)) {
        this._postpone(document);
        throw new Postponed();
      }
      throw error;
    }
  }

  /** Save when the document's connection is back. */
  follow(document: ILiveDocument): void {
    document.provider.stateChanged.connect((_, state) => {
      if (state === 'synced' && this._waiting.delete(document)) {
        void this._save(document);
      }
    });
  }

  private _postpone(document: ILiveDocument): void {
    this._waiting.add(document);
    this._changed.emit({ document, state: 'waits', reason: '' });
  }

  private async _save(document: ILiveDocument): Promise<void> {
    try {
      await document.provider.save();
      this._changed.emit({ document, state: 'done', reason: '' });
    } catch (error) {
      if (isAway(document.provider)) {
        this._waiting.add(document);
      } else {
        const reason = error instanceof Error ? error.message : String(error);
        this._changed.emit({ document, state: 'failed', reason });
      }
    }
  }

  private readonly _waiting = new WeakSet<ILiveDocument>();
  private readonly _changed = new Signal<this, IPostponed>(this);
}

/** Tell JupyterLab that there is nothing more to say about a save. */
class Postponed extends NotConnected {
  constructor() {
    super('The document is saved when the connection is back.');
    // Of errors with this name JupyterLab makes no dialog: a person who cancels a save has one of them.
    this.name = 'ModalCancelError';
  }
}

function isAway({ state }: Provider): boolean {
  return state === 'offline';
}

/** Do something; reject as soon as there is no connection, where a request might wait for minutes. */
function whileConnected<T>(
  provider: Provider,
  action: () => Promise<T>
): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (isAway(provider)) {
        reject(new NotConnected('There is no connection to the server.'));
      }
    };
    look();
    if (isAway(provider)) {
      return;
    }
    provider.stateChanged.connect(look);
    action()
      .then(resolve, reject)
      .finally(() => provider.stateChanged.disconnect(look));
  });
}
