/** Drafts in the browser's IndexedDB: on this computer, for this origin, and for a limited time. */

import {
  type IDraft,
  type IDraftStore,
  MemoryDrafts
} from '../documents/draft';
import { Parting } from './parting';

const NAME = 'rtc_widgets';
const STORE = 'drafts';
/** The second has the index `room`. */
const VERSION = 2;
/** Milliseconds. */
const DAY = 86_400_000;
export const KEPT_DAYS = 30;
/** Of more than so many the oldest go. */
const MOST = 500;

/** Keep drafts in the browser; in the page alone where it has no database for us. */
export class DatabaseDrafts implements IDraftStore {
  async all(at: string, room: string): Promise<IDraft[]> {
    const stored = await this._use(
      async store =>
        (
          await Promise.all([
            done(store.index('at').getAll(at) as IDBRequest<IDraft[]>),
            done(store.index('room').getAll(room) as IDBRequest<IDraft[]>)
          ])
        ).flat(),
      memory => memory.all(at, room),
      'readonly'
    );
    const parting = this._parting
      .all()
      .filter(draft => draft.at === at || draft.room === room);
    // Of one draft the last.
    const drafts = new Map(
      [...stored, ...parting].sort(bySaved).map(draft => [draft.id, draft])
    );
    return [...drafts.values()].sort(bySaved);
  }

  async get(id: string): Promise<IDraft | undefined> {
    const stored = await this._use(
      store => {
        const request = store.get(id) as IDBRequest<IDraft | undefined>;
        return done(request);
      },
      memory => memory.get(id),
      'readonly'
    );
    return [stored, this._parting.get(id)]
      .filter(draft => draft !== undefined)
      .sort(bySaved)
      .pop();
  }

  put(draft: IDraft, isLeaving = false): Promise<void> {
    if (isLeaving) {
      this._parting.put(draft);
    }
    return this._use(
      async store => {
        store.put(draft);
        await committed(store.transaction);
        if ((this._parting.get(draft.id)?.saved ?? Infinity) <= draft.saved) {
          this._parting.remove(draft.id);
        }
      },
      memory => memory.put(draft)
    );
  }

  remove(id: string): Promise<void> {
    this._parting.remove(id);
    return this._use(
      store => done(store.delete(id)),
      memory => memory.remove(id)
    );
  }

  clear(): Promise<void> {
    this._parting.all().forEach(({ id }) => this._parting.remove(id));
    return this._use(
      store => done(store.clear()),
      memory => memory.clear()
    );
  }

  private async _use<T>(
    action: (store: IDBObjectStore) => Promise<T>,
    instead: (memory: MemoryDrafts) => Promise<T>,
    mode: IDBTransactionMode = 'readwrite'
  ): Promise<T> {
    try {
      // Without an `await` where it is open: a page that is being left runs nothing later.
      const database = this._database ?? (await this._open());
      return await action(database.transaction(STORE, mode).objectStore(STORE));
    } catch (error) {
      if (!this._isWarned) {
        this._isWarned = true;
        // There is nobody to ask for help with this, and the page works as well as without drafts.
        // eslint-disable-next-line no-console
        console.warn(
          'rtc_widgets: this browser keeps no drafts, so what is typed offline is gone with the page.',
          error
        );
      }
      return instead(this._memory);
    }
  }

  private async _open(): Promise<IDBDatabase> {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      const { result, transaction } = request;
      if (result.objectStoreNames.contains(STORE)) {
        transaction!.objectStore(STORE).createIndex('room', 'room');
        return;
      }
      const store = result.createObjectStore(STORE, { keyPath: 'id' });
      ['at', 'room', 'saved'].forEach(name => store.createIndex(name, name));
    };
    const database = await done(request);
    database.onversionchange = database.onclose = () => {
      database.close();
      this._database = null;
    };
    this._database = database;
    this._parting.purge(Date.now() - KEPT_DAYS * DAY);
    await purge(database);
    return database;
  }

  private readonly _parting = new Parting(window.localStorage);
  private readonly _memory = new MemoryDrafts();
  private _database: IDBDatabase | null = null;
  private _isWarned = false;
}

/** Let go of what nobody came back for. */
async function purge(database: IDBDatabase): Promise<void> {
  const store = database.transaction(STORE, 'readwrite').objectStore(STORE);
  const old = IDBKeyRange.upperBound(Date.now() - KEPT_DAYS * DAY);
  const keys = await done(store.index('saved').getAllKeys(old));
  const more = (await done(store.count())) - keys.length - MOST;
  const oldest =
    more > 0
      ? await done(store.index('saved').getAllKeys(null, keys.length + more))
      : [];
  await Promise.all(
    [...new Set([...keys, ...oldest])].map(key => done(store.delete(key)))
  );
}

function bySaved(one: IDraft, two: IDraft): number {
  return one.saved - two.saved;
}

/** Wait until what was asked of a transaction is kept, and not only seen. */
function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () =>
      reject(transaction.error ?? new Error('IndexedDB failed.'));
  });
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () =>
      reject(request.error ?? new Error('IndexedDB failed.'));
  });
}
