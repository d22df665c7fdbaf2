/** Which text others' cursors are in, so that a cursor that moves is the affair of one editor and not of all. */

import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import { Colors } from '../presence/colors';
import { identify, type IIdentity } from '../presence/identity';
import { decode, type ICursor, type IRange, resolve } from './positions';

/** One other client's cursors. */
export interface ICursors {
  readonly who: IIdentity;
  readonly cursors: readonly ICursor[];
}

interface IKnown extends ICursors {
  /** What the state said, to see what is news. */
  readonly said: string;
  readonly texts: ReadonlySet<Y.Text>;
}

/** Keep the cursors of all other clients of one awareness. */
export class OthersCursors {
  /** Return the one of an awareness. */
  static of(awareness: Awareness): OthersCursors {
    let found = all.get(awareness);
    if (!found) {
      found = new OthersCursors(awareness);
      all.set(awareness, found);
    }
    return found;
  }

  private constructor(readonly awareness: Awareness) {
    this._colors = Colors.of(awareness);
    this._colors.changed.connect((_, clients) => this._take(clients));
    this._take([...awareness.getStates().keys()]);
    awareness.on('change', (changes: Record<string, number[]>) =>
      this._take(Object.values(changes).flat())
    );
    awareness.doc.on('afterTransaction', () => {
      // A cursor may be told before the text in which it is.
      if (this._pending.size) {
        const clients = [...this._pending];
        this._pending.clear();
        this._take(clients, true);
      }
    });
  }

  /** Call *listener*, soon and outside of any update, when cursors in *text* changed. */
  watch(text: Y.Text, listener: () => void): IDisposable {
    const listeners = this._listeners.get(text) ?? new Set();
    this._listeners.set(text, listeners.add(listener));
    return new DisposableDelegate(() => {
      listeners.delete(listener);
      if (!listeners.size && this._listeners.get(text) === listeners) {
        this._listeners.delete(text);
      }
    });
  }

  /** Return the cursors of the clients that have some in *text*. */
  in(text: Y.Text): Map<number, ICursors> {
    const here = [...this._known].filter(([, { texts }]) => texts.has(text));
    return new Map(here);
  }

  /** Return where in *text* somebody's cursors are now. */
  ranges({ cursors }: ICursors, text: Y.Text): IRange[] {
    return cursors.flatMap(cursor => {
      const found = resolve(cursor, this.awareness.doc);
      return found?.text === text ? [found.range] : [];
    });
  }

  /** Return where one client's cursors are, in whatever text. */
  rangesOf(client: number): IRange[] {
    const theirs = this._known.get(client);
    const [text] = theirs?.texts ?? [];
    return theirs && text ? this.ranges(theirs, text) : [];
  }

  private _take(clients: readonly number[], again = false): void {
    for (const client of clients) {
      if (client === this.awareness.clientID) {
        continue;
      }
      const state = this.awareness.getStates().get(client);
      const before = this._known.get(client);
      const who = state && {
        ...identify(client, state),
        color: this._colors.get(client)
      };
      const said = JSON.stringify([who, state?.['cursors']]);
      if (said === before?.said && !again) {
        continue;
      }
      const cursors = decode(state?.['cursors']);
      const found = cursors.map(one => resolve(one, this.awareness.doc)?.text);
      const texts = new Set(found.filter(text => text !== undefined));
      if (cursors.length && !texts.size) {
        this._pending.add(client);
      }
      if (who && cursors.length) {
        this._known.set(client, { who, cursors, said, texts });
      } else {
        this._known.delete(client);
      }
      this._tell([...(before?.texts ?? []), ...texts]);
    }
  }

  private _tell(texts: readonly Y.Text[]): void {
    if (!this._changed.size && texts.length) {
      queueMicrotask(() => {
        const changed = [...this._changed];
        this._changed.clear();
        for (const text of changed) {
          this._listeners.get(text)?.forEach(listener => listener());
        }
      });
    }
    texts.forEach(text => this._changed.add(text));
  }

  private readonly _colors: Colors;
  private readonly _known = new Map<number, IKnown>();
  private readonly _pending = new Set<number>();
  private readonly _changed = new Set<Y.Text>();
  private readonly _listeners = new Map<Y.Text, Set<() => void>>();
}

const all = new WeakMap<Awareness, OthersCursors>();
