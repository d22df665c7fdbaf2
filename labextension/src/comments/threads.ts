/** What the annotations document holds: threads of comments, as values (docs/schema.md). Reading only, from plain JSON. */

import type { ISignal } from '@lumino/signaling';
import { isRecord } from '../presence/identity';

/** Who did something, as the relay knows it. */
export interface IAuthor {
  /** The authenticated user's name; of a kernel, that of the person who runs it, or empty. */
  readonly user: string;
  readonly kind: 'person' | 'kernel';
  readonly name: string;
  /** Whether a notebook's file says so, and no server knows it. */
  readonly claimed: boolean;
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

/** Where threads come from: a replica of the annotations document, or somebody who has one. */
export interface IThreadSource {
  /** All threads by id, in the order of their numbers, deleted ones too. */
  threads(): Map<string, IThread>;
  thread(id: string): IThread | null;
  /** The identities of all who have annotated the document, by user name. */
  people(): ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Threads changed, or, where it says null, people. */
  readonly changed: ISignal<unknown, ReadonlySet<string> | null>;
  dispose(): void;
}

/** Return threads by id, in the order of their numbers. */
export function inOrder(threads: Iterable<IThread>): Map<string, IThread> {
  const sorted = [...threads].sort((a, b) => a.number - b.number);
  return new Map(sorted.map(thread => [thread.id, thread]));
}

/** Return one thread, null where *raw* is none. */
export function readThread(id: string, raw: unknown): IThread | null {
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
    name: text(raw['name']) || user || NOBODY.name,
    claimed: raw['claimed'] === true
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

const NOBODY: IAuthor = {
  user: '',
  kind: 'person',
  name: 'somebody',
  claimed: false
};
