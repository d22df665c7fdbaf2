/** The comments of all open documents, for editors, which know nothing but their text. */

import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';
import type { CommentSession } from './session';
import type { INews } from './shared';
import type { IAuthor } from './threads';

/** One thread in an editor. */
export interface IMark {
  readonly thread: string;
  readonly from: number;
  readonly to: number;
  readonly color: string;
  readonly isActive: boolean;
}

/** Something is other in a document: threads, places, or which one is looked at. */
export interface IOther {
  readonly doc: Y.Doc;
  /** In these cells, null for the text of a file; null for anywhere. */
  readonly cells: INews['cells'];
}

/** Find them. */
export class CommentSessions {
  add(session: CommentSession): void {
    const doc = docOf(session);
    this._sessions.set(doc, session);
    session.places.changed.connect((_, { cells }) =>
      this._changed.emit({ doc, cells })
    );
    this._changed.emit({ doc, cells: null });
  }

  get changed(): ISignal<this, IOther> {
    return this._changed;
  }

  of(doc: Y.Doc | null): CommentSession | null {
    return (doc && this._sessions.get(doc)) ?? null;
  }

  /** The thread that this person looks at. */
  get active(): string | null {
    return this._active;
  }

  look(session: CommentSession | null, thread: string | null): void {
    this._active = thread;
    if (session) {
      session.places.settle();
      this._changed.emit({ doc: docOf(session), cells: null });
    }
  }

  /** Return the open threads in a text, in order. */
  marks(text: Y.Text): readonly IMark[] {
    const session = this.of(text.doc);
    if (!session) {
      return [];
    }
    const { places, discussion } = session;
    const colors = new Map<string, string>();
    const colorOf = (author: IAuthor) => {
      const key = `${author.kind} ${author.user} ${author.name}`;
      const color = colors.get(key) ?? session.lookOf(author).color;
      colors.set(key, color);
      return color;
    };
    return places.at(cellOf(text)).flatMap(({ id }) => {
      const { start, end } = places.of(id)!;
      const thread = discussion.thread(id);
      const author = thread?.comments[0]?.by;
      if (
        !author ||
        thread.state !== 'open' ||
        start === null ||
        end === null
      ) {
        return [];
      }
      const color = colorOf(author);
      const isActive = id === this._active;
      return [{ thread: id, from: start, to: end, color, isActive }];
    });
  }

  private readonly _sessions = new WeakMap<Y.Doc, CommentSession>();
  private readonly _changed = new Signal<this, IOther>(this);
  private _active: string | null = null;
}

/** Return the id of the cell that a text is the source of, null for a text file's. */
export function cellOf({ parent }: Y.Text): string | null {
  const id = parent instanceof Y.Map ? (parent.get('id') as unknown) : null;
  return typeof id === 'string' ? id : null;
}

function docOf({ live }: CommentSession): Y.Doc {
  return (live.model as unknown as { ydoc: Y.Doc }).ydoc;
}
