/** The relay's half of comments, for tests: writes the threads that a tab's requests ask for. */

import * as Y from 'yjs';
import { RequestFailed } from '../../src/errors';

type Params = Record<string, unknown>;

/** Carry out requests in a document. */
export class Annotator {
  constructor(private readonly _doc: Y.Doc) {}

  /** Who asks. */
  user = 'ada';
  /** What was asked, also what was refused. */
  readonly asked: [method: string, params: Params][] = [];
  /** How to refuse what is asked. */
  refuses: string | null = null;

  readonly carryOut = (method: string, params: Params): unknown => {
    this.asked.push([method, params]);
    if (this.refuses !== null) {
      throw new RequestFailed('not-yours', this.refuses);
    }
    this._doc.transact(() => this._do(method, params));
    return {};
  };

  /** Let somebody write. */
  add(user: string, thread: string, comment: string, body: string): void {
    const mine = this.user;
    this.user = user;
    this.carryOut('comments.add', { thread, comment, body, anchor: {} });
    this.user = mine;
  }

  private _do(method: string, params: Params): void {
    const threads = this._doc.getMap<Y.Map<unknown>>('threads');
    const id = params.thread as string;
    const by = { user: this.user, kind: 'person', name: this.user };
    const told = { by, at: 1000 };
    if (!threads.has(id)) {
      const begun = new Y.Map<unknown>([
        ['number', threads.size + 1],
        ['anchor', params.anchor],
        ['state', 'open'],
        ['comments', new Y.Map()],
        ['events', new Y.Array()]
      ]);
      threads.set(id, begun);
    }
    const thread = threads.get(id)!;
    const comments = thread.get('comments') as Y.Map<Params>;
    const comment = params.comment as string;
    const { body } = params;
    if (method === 'comments.add' && !comments.has(comment)) {
      comments.set(comment, { ...told, n: comments.size, body });
      thread.set('state', params.resolve ? 'resolved' : 'open');
    } else if (method === 'comments.edit') {
      comments.set(comment, { ...comments.get(comment), body, edited: 1001 });
    } else if (method === 'comments.delete') {
      thread.set('deleted', told);
    } else if (method === 'comments.resolve') {
      thread.set('state', 'resolved');
    }
  }
}
