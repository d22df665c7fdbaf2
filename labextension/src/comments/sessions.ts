/** The comments of all open documents, for editors, which know nothing but their text. */

import { type ISignal, Signal } from '@lumino/signaling';
import * as Y from 'yjs';
import type { IResolution } from '../documents/anchors';
import type { CommentSession } from './session';
import type { INews } from './shared';
import type { IAuthor } from './threads';

/** How a thread is marked. */
export interface ILook {
  readonly thread: string;
  readonly color: string;
  readonly isActive: boolean;
}

/** One thread in an editor. */
export interface IMark extends ILook {
  readonly from: number;
  readonly to: number;
}

/** Something is other in a document: threads, places, or which one is looked at. */
export interface IOther {
  readonly doc: Y.Doc;
  /** In these cells, null for the text of a file; null for anywhere. */
  readonly cells: INews['cells'];
}

/** Returns where something is in another form of its document, null where it is not there. */
export type Find = (place: IResolution) => [number, number] | null;

/** Milliseconds without a change after which a view is looked through. */
const PAUSE = 250;

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

  /** Show the comments of a document in another form of it, each where that says. */
  addView(doc: Y.Doc, session: CommentSession, find: Find): void {
    this._sessions.set(doc, session);
    this._views.set(session, { doc, find });
    const tell = () => this._changed.emit({ doc, cells: null });
    let timer: ReturnType<typeof setTimeout> | undefined;
    // The one form follows the other: while somebody types, marks move with the text, and are looked for after that.
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(tell, PAUSE);
    };
    session.places.changed.connect(later);
    doc.on('update', later);
    tell();
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
      const view = this._views.get(session);
      if (view) {
        this._changed.emit({ doc: view.doc, cells: null });
      }
    }
  }

  /** Return the open threads in a text, in order. */
  marks(text: Y.Text): readonly IMark[] {
    const session = this.of(text.doc);
    if (!session) {
      return [];
    }
    const view = this._views.get(session);
    const find = view?.doc === text.doc ? view.find : rangeOf;
    const { places } = session;
    const here = find === rangeOf ? places.at(cellOf(text)) : places.ordered;
    const looks = this.looks(session);
    return here.flatMap(({ id }) => {
      const range = find(places.of(id)!);
      const look = range && looks(id);
      return look ? [{ ...look, from: range[0], to: range[1] }] : [];
    });
  }

  /** Return what tells how threads are marked, null for those that are not: they are not open. */
  looks(session: CommentSession): (thread: string) => ILook | null {
    const colors = new Map<string, string>();
    const colorOf = (author: IAuthor) => {
      const key = `${author.kind} ${author.user} ${author.name}`;
      const color = colors.get(key) ?? session.lookOf(author).color;
      colors.set(key, color);
      return color;
    };
    return id => {
      const thread = session.discussion.thread(id);
      const author = thread?.comments[0]?.by;
      return author && thread.state === 'open'
        ? { thread: id, color: colorOf(author), isActive: id === this._active }
        : null;
    };
  }

  private readonly _sessions = new WeakMap<Y.Doc, CommentSession>();
  private readonly _views = new WeakMap<
    CommentSession,
    { readonly doc: Y.Doc; readonly find: Find }
  >();
  private readonly _changed = new Signal<this, IOther>(this);
  private _active: string | null = null;
}

function rangeOf({ start, end }: IResolution): [number, number] | null {
  return start === null || end === null ? null : [start, end];
}

/** Return the id of the cell that a text is the source of, null for a text file's. */
export function cellOf({ parent }: Y.Text): string | null {
  const id = parent instanceof Y.Map ? (parent.get('id') as unknown) : null;
  return typeof id === 'string' ? id : null;
}

function docOf({ live }: CommentSession): Y.Doc {
  return (live.model as unknown as { ydoc: Y.Doc }).ydoc;
}
