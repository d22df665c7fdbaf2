/** What the annotations document holds: threads of comments, as values (docs/schema.md). Reading only. */

import * as Y from 'yjs';
import { isRecord } from '../presence/identity';

/** Who did something, as the relay knows it. */
export interface IAuthor {
  /** The authenticated user's name; of a kernel, that of the person who runs it, or empty. */
  readonly user: string;
  readonly kind: 'person' | 'kernel';
  readonly name: string;
}

/** Who did something, and when, in seconds since the epoch. */
export interface ITold {
  readonly by: IAuthor;
  readonly at: number;
}

/** One comment. */
export interface IComment extends ITold {
  readonly id: string;
  /** Its place in the thread, from 0. */
  readonly n: number;
  /** Markdown; empty once deleted. */
  readonly body: string;
  readonly mentions: readonly string[];
  /** When it was edited last, null if never. */
  readonly edited: number | null;
  readonly deleted: ITold | null;
}

/** What happened to a thread besides comments: `resolved`, `reopened` or `attached`. */
export interface IHappening extends ITold {
  readonly what: string;
}

/** What a thread is about (docs/schema.md). */
export type Anchor = Readonly<Record<string, unknown>>;

/** One thread. */
export interface IThread {
  readonly id: string;
  /** A short one for people, from 1. */
  readonly number: number;
  readonly anchor: Anchor;
  readonly state: 'open' | 'resolved';
  /** All, also deleted ones, in order. */
  readonly comments: readonly IComment[];
  readonly happenings: readonly IHappening[];
  readonly deleted: ITold | null;
}

/** The names of the document's roots. */
export const THREADS = 'threads';
export const PEOPLE = 'people';

/** Return all threads by id, in the order of their numbers, deleted ones too. */
export function readThreads(doc: Y.Doc): Map<string, IThread> {
  const found: IThread[] = [];
  doc.getMap(THREADS).forEach((value, id) => {
    const thread = readThread(id, value);
    if (thread) {
      found.push(thread);
    }
  });
  found.sort((a, b) => a.number - b.number);
  return new Map(found.map(thread => [thread.id, thread]));
}

/** Return one thread, null where *value* is none. */
export function readThread(id: string, value: unknown): IThread | null {
  const raw: unknown = value instanceof Y.Map ? value.toJSON() : value;
  if (!isRecord(raw)) {
    return null;
  }
  const comments = isRecord(raw['comments']) ? raw['comments'] : {};
  const events = Array.isArray(raw['events']) ? raw['events'] : [];
  return {
    id,
    number: Math.trunc(number(raw['number'])),
    anchor: isRecord(raw['anchor']) ? raw['anchor'] : {},
    state: raw['state'] === 'resolved' ? 'resolved' : 'open',
    comments: Object.entries(comments)
      .map(([key, one]) => comment(key, one))
      .sort((a, b) => a.n - b.n),
    happenings: events
      .filter(isRecord)
      .map(one => ({ what: String(one['what']), ...tell(one) })),
    deleted: told(raw['deleted'])
  };
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

/** Return who began a thread. */
export function starter({ comments }: IThread): IAuthor {
  return comments[0]?.by ?? NOBODY;
}

function comment(id: string, value: unknown): IComment {
  const raw = isRecord(value) ? value : {};
  const mentions = Array.isArray(raw['mentions']) ? raw['mentions'] : [];
  return {
    id,
    n: Math.trunc(number(raw['n'])),
    ...tell(raw),
    body: text(raw['body']),
    mentions: mentions.map(String),
    edited: typeof raw['edited'] === 'number' ? raw['edited'] : null,
    deleted: told(raw['deleted'])
  };
}

function author(value: unknown): IAuthor {
  const raw = isRecord(value) ? value : {};
  const user = text(raw['user']);
  return {
    user,
    kind: raw['kind'] === 'kernel' ? 'kernel' : 'person',
    name: text(raw['name']) || user || NOBODY.name
  };
}

function tell(value: Readonly<Record<string, unknown>>): ITold {
  return { by: author(value['by']), at: number(value['at']) };
}

function told(value: unknown): ITold | null {
  return isRecord(value) ? tell(value) : null;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const NOBODY: IAuthor = { user: '', kind: 'person', name: 'somebody' };
