/** The annotations document as a source of threads: reads it, and tells what changes in it. */

import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';
import { isRecord } from '../presence/identity';
import {
  inOrder,
  type IThread,
  type IThreadSource,
  readThread
} from './threads';

/** The names of the document's roots. */
const THREADS = 'threads';
const PEOPLE = 'people';

/** Follow a replica. */
export class ThreadDocument implements IThreadSource {
  constructor(private readonly _doc: Y.Doc) {
    _doc.getMap(THREADS).observeDeep(this._onThreads);
    _doc.getMap(PEOPLE).observe(this._onPeople);
  }

  get changed(): ISignal<this, ReadonlySet<string> | null> {
    return this._changed;
  }

  threads(): Map<string, IThread> {
    return readThreads(this._doc);
  }

  thread(id: string): IThread | null {
    return readThread(id, json(this._doc.getMap(THREADS).get(id)));
  }

  people(): Map<string, Readonly<Record<string, unknown>>> {
    return readPeople(this._doc);
  }

  dispose(): void {
    this._doc.getMap(THREADS).unobserveDeep(this._onThreads);
    this._doc.getMap(PEOPLE).unobserve(this._onPeople);
    Signal.clearData(this);
  }

  private readonly _onThreads = (
    events: Y.YEvent<Y.AbstractType<unknown>>[]
  ): void => {
    const ids = events.flatMap(({ path, keys }) =>
      path.length ? [String(path[0])] : [...keys.keys()]
    );
    this._changed.emit(new Set(ids));
  };

  private readonly _onPeople = (): void => this._changed.emit(null);

  private readonly _changed = new Signal<this, ReadonlySet<string> | null>(
    this
  );
}

/** Return all threads by id, in the order of their numbers, deleted ones too. */
export function readThreads(doc: Y.Doc): Map<string, IThread> {
  const found: IThread[] = [];
  doc.getMap(THREADS).forEach((value, id) => {
    const thread = readThread(id, json(value));
    if (thread) {
      found.push(thread);
    }
  });
  return inOrder(found);
}

/** Return the identities of all who have annotated the document, by user name. */
export function readPeople(
  doc: Y.Doc
): Map<string, Readonly<Record<string, unknown>>> {
  const found = new Map<string, Readonly<Record<string, unknown>>>();
  doc.getMap(PEOPLE).forEach((value, user) => {
    if (isRecord(value)) {
      found.set(user, value);
    }
  });
  return found;
}

function json(value: unknown): unknown {
  return value instanceof Y.Map ? value.toJSON() : value;
}
