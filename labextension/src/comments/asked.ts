/** What this person asked of the threads, and how they look once it is done: pure. */

import type { Anchor, IAuthor, IComment, IThread } from './threads';

/** What can be asked (docs/protocol.md, 3.4). */
export const METHODS = [
  'comments.add',
  'comments.edit',
  'comments.delete',
  'comments.resolve',
  'comments.reopen',
  'comments.attach'
] as const;

/** One request. */
export interface IAsked {
  /** The id by which the relay knows it when it comes a second time. */
  readonly id: string;
  readonly method: (typeof METHODS)[number];
  readonly params: IParams;
  /** When it was asked, in seconds since the epoch. */
  readonly at: number;
  /** Why the relay does not do it, null where it may yet. */
  readonly refused: string | null;
}

/** What a request says. */
export interface IParams {
  readonly thread: string;
  readonly comment?: string;
  readonly body?: string;
  readonly mentions?: readonly string[];
  readonly anchor?: Anchor;
  readonly resolve?: true;
  readonly op?: string;
}

/** A comment as it is shown. */
export interface IShownComment extends IComment {
  /** Whether the relay has not confirmed it yet. */
  readonly isPending: boolean;
}

/** A thread as it is shown: with what this person asked and the relay has not done yet. */
export interface IShownThread extends IThread {
  readonly comments: readonly IShownComment[];
  /** Whether the relay has not confirmed its state or place yet. */
  readonly isPending: boolean;
  /** What the relay refused to do, oldest first; the texts in it are to be offered again. */
  readonly refused: readonly IAsked[];
}

/** Return a thread, null for none, as it is once *asked* is done, null where that is not to be seen. */
export function shown(
  thread: IThread | null,
  asked: readonly IAsked[],
  me: IAuthor
): IShownThread | null {
  const refused = asked.filter(one => one.refused !== null);
  const begins = thread ?? begun(asked);
  if (!begins || (begins.deleted && !refused.length)) {
    return null;
  }
  let now: IShownThread = {
    ...begins,
    comments: begins.comments.map(one => ({ ...one, isPending: false })),
    isPending: false,
    refused
  };
  for (const one of asked) {
    if (one.refused === null && !isDone(thread, one)) {
      now = apply(now, one, me);
    }
  }
  return now.deleted && !refused.length ? null : now;
}

/** Tell whether a thread shows already what was asked. */
export function isDone(
  thread: IThread | null,
  { method, params }: IAsked
): boolean {
  const known = thread?.comments.find(({ id }) => id === params.comment);
  switch (method) {
    case 'comments.add':
      return known !== undefined;
    case 'comments.edit':
      return known?.body === params.body || isGone(known);
    case 'comments.delete':
      return isGone(params.comment ? known : thread);
    case 'comments.resolve':
      return thread?.state === 'resolved';
    case 'comments.reopen':
      return thread?.state === 'open';
    case 'comments.attach':
      return JSON.stringify(thread?.anchor) === JSON.stringify(params.anchor);
  }
}

function isGone(
  one: { readonly deleted: unknown } | null | undefined
): boolean {
  return Boolean(one?.deleted);
}

/** Return the thread that a request begins, before there is anything in it. */
function begun(asked: readonly IAsked[]): IThread | null {
  const first = asked.find(({ params }) => params.anchor !== undefined);
  if (first?.method !== 'comments.add') {
    return null;
  }
  const { thread, anchor = {} } = first.params;
  return {
    id: thread,
    number: 0,
    anchor,
    state: 'open',
    comments: [],
    happenings: [],
    deleted: null
  };
}

function apply(
  thread: IShownThread,
  { method, params, at }: IAsked,
  me: IAuthor
): IShownThread {
  const told = { by: me, at };
  const { comments } = thread;
  const change = (words: Partial<IShownComment>) =>
    comments.map(one =>
      one.id === params.comment ? { ...one, ...words, isPending: true } : one
    );
  switch (method) {
    case 'comments.add': {
      const added: IShownComment = {
        ...told,
        id: params.comment ?? '',
        n: comments.length,
        body: params.body ?? '',
        mentions: params.mentions ?? [],
        edited: null,
        deleted: null,
        isPending: true
      };
      const state = params.resolve ? 'resolved' : 'open';
      return { ...thread, state, comments: [...comments, added] };
    }
    case 'comments.edit': {
      const { body = '', mentions = [] } = params;
      return { ...thread, comments: change({ body, mentions, edited: at }) };
    }
    case 'comments.delete': {
      const left = change({ body: '', mentions: [], deleted: told });
      const isGone = !params.comment || left.every(one => one.deleted !== null);
      return {
        ...thread,
        comments: left,
        deleted: isGone ? told : thread.deleted
      };
    }
    case 'comments.resolve':
      return { ...thread, state: 'resolved', isPending: true };
    case 'comments.reopen':
      return { ...thread, state: 'open', isPending: true };
    case 'comments.attach':
      return {
        ...thread,
        anchor: params.anchor ?? thread.anchor,
        isPending: true
      };
  }
}
