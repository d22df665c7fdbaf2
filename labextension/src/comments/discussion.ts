/** What is said about one document: the threads, with what this person asked and the relay has not done yet. */

import { UUID } from '@lumino/coreutils';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Role } from '../roles';
import { type IAsked, type IParams, type IShownThread, shown } from './asked';
import { type IAsker, type IKept, Asking } from './asking';
import {
  type Anchor,
  type IAuthor,
  type IComment,
  type IThread,
  type IThreadSource,
  type ITold,
  starter
} from './threads';

/** The document's provider, as far as comments need it. */
export interface IContentProvider extends IAsker {
  readonly role: Role | null;
  readonly roleChanged: ISignal<unknown, Role>;
}

/** What a discussion is made of. */
export interface IDiscussionOptions {
  /** The threads as they are, and who keeps them in step. */
  readonly source: IThreadSource;
  readonly replica: Pick<IAsker, 'state' | 'stateChanged'>;
  readonly content: IContentProvider;
  readonly kept: IKept;
  /** As whom the relay knows who asks here. */
  readonly me: () => IAuthor;
}

/** A comment that somebody else wrote just now. */
export interface INews {
  readonly thread: IThread;
  readonly comment: IComment;
}

/** Hold the threads of one document. */
export class Discussion {
  constructor(private readonly _options: IDiscussionOptions) {
    const { source, replica, content, kept } = _options;
    this._asking = new Asking(content, kept, replica);
    this._asking.changed.connect((_, id) => this._tell([id]));
    this._asking.refused.connect((_, asked) => this._refused.emit(asked));
    this._asking.answered.connect((_, answer) => {
      if ((answer as { mirror?: unknown } | null)?.mirror === 'ask') {
        this._undecided.emit();
      }
    });
    source.changed.connect(this._onSource);
    replica.stateChanged.connect(this._onState);
    content.roleChanged.connect(this._onPeople);
    content.stateChanged.connect(this._onPeople);
    this._onState();
  }

  /** Threads changed, all of them where it says null: also for who may do what, and for names and colours. */
  get changed(): ISignal<this, ReadonlySet<string> | null> {
    return this._changed;
  }

  /** Somebody else wrote something while this person was here. */
  get arrived(): ISignal<this, INews> {
    return this._arrived;
  }

  /** The relay did not do what this person asked. */
  get refused(): ISignal<this, IAsked> {
    return this._refused;
  }

  /** This person commented, and nobody has decided yet whether the file gets a copy. */
  get undecided(): ISignal<this, void> {
    return this._undecided;
  }

  /** Decide whether the file gets a copy of the comments. */
  async decide(mirror: 'always' | 'never'): Promise<void> {
    await this._options.content.request('comments.mirror', { mirror });
  }

  /** Whether the threads have come once. */
  get isReady(): boolean {
    return this._isReady;
  }

  /** The threads that are to be seen, in the order of their numbers. */
  get threads(): readonly IShownThread[] {
    if (!this._all) {
      const ids = new Set(this._read().keys());
      this._asking.all.forEach(({ params }) => ids.add(params.thread));
      this._all = [...ids].flatMap(id => this.thread(id) ?? []);
    }
    return this._all;
  }

  thread(id: string): IShownThread | null {
    const known = this._shown.get(id);
    if (known !== undefined) {
      return known;
    }
    const asked = this._asking.all.filter(({ params }) => params.thread === id);
    const found = shown(this._read().get(id) ?? null, asked, this.me);
    this._shown.set(id, found);
    return found;
  }

  /** All who ever wrote here, by user name. */
  get people(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
    this._people ??= this._options.source.people();
    return this._people;
  }

  /** This person; without the labextension, the kernel or whoever else asks for them. */
  get me(): IAuthor {
    return this._options.me();
  }

  get role(): Role | null {
    return this._options.content.role;
  }

  /** Whether this person may comment, now or once the connection is back. */
  get mayComment(): boolean {
    const { role, state } = this._options.content;
    return role !== null && role !== 'viewer' && state !== 'closed';
  }

  /** Whether the relay can be asked at the moment. */
  get isOnline(): boolean {
    return this._options.content.state === 'synced';
  }

  isMine({ kind, user, claimed }: IAuthor): boolean {
    const { me } = this;
    // A kernel's words are the kernel's, whoever ran the cell.
    const isSame = kind === 'kernel' || user === me.user;
    return kind === me.kind && isSame && !claimed;
  }

  /** Whether this person may resolve, reopen and move a thread. */
  mayManage(thread: IThread): boolean {
    return (
      this.mayComment &&
      (this.role !== 'commenter' || this.isMine(starter(thread)))
    );
  }

  /** Whether this person may delete all of a thread. */
  mayDeleteAll({ comments }: IThread): boolean {
    return comments.every(one => one.deleted !== null || this.mayDelete(one));
  }

  /** Return who deleted a thread, and when; null where nobody did, or there never was one. */
  deleted(thread: string): ITold | null {
    return this._read().get(thread)?.deleted ?? null;
  }

  /** Whether this person may delete a comment. */
  mayDelete({ by }: IComment): boolean {
    return this.mayComment && (this.role !== 'commenter' || this.isMine(by));
  }

  /** Take up what an earlier page of this person asked; once it is known who this is. */
  restore(): void {
    this._asking.restore();
  }

  /** Begin a thread and return its id. */
  begin(anchor: Anchor, body: string, mentions: readonly string[]): string {
    const thread = UUID.uuid4();
    this._add({ thread, body, anchor, ...some(mentions) });
    return thread;
  }

  reply(
    thread: string,
    body: string,
    mentions: readonly string[],
    resolve = false
  ): void {
    const also = resolve ? ({ resolve: true } as const) : {};
    this._add({ thread, body, ...some(mentions), ...also });
  }

  edit(
    thread: string,
    comment: string,
    body: string,
    mentions: readonly string[]
  ): void {
    const words = { thread, comment, body, ...some(mentions) };
    this._ask('comments.edit', words);
  }

  /** Delete a comment, or all of a thread. */
  delete(thread: string, comment?: string): void {
    this._ask('comments.delete', { thread, ...(comment && { comment }) });
  }

  resolve(thread: string): void {
    this._ask('comments.resolve', { thread });
  }

  reopen(thread: string): void {
    this._ask('comments.reopen', { thread });
  }

  /** Say what a thread is about now. */
  attach(thread: string, anchor: Anchor): void {
    this._ask('comments.attach', { thread, anchor });
  }

  /** Ask once more for what was refused. */
  again(id: string): void {
    this._asking.again(id);
  }

  /** Ask once more for a comment that was refused, in other words. */
  reword(id: string, body: string, mentions: readonly string[]): void {
    this._asking.again(id, { body, mentions });
  }

  /** Keep a reply that was half written when somebody deleted the thread, as if it had been refused. */
  salvage(thread: string, body: string, by: string): void {
    this._asking.keep({
      // One, however many tabs do so.
      id: `draft-${thread}`,
      method: 'comments.add',
      params: { thread, comment: UUID.uuid4(), body },
      at: Date.now() / 1000,
      // As the relay says it.
      refused: `${by} deleted this thread. Your text is kept: begin a new thread with it.`
    });
  }

  /** Give up what was refused. */
  discard(id: string): void {
    this._asking.discard(id);
  }

  dispose(): void {
    const { source, replica, content } = this._options;
    source.changed.disconnect(this._onSource);
    source.dispose();
    replica.stateChanged.disconnect(this._onState);
    content.roleChanged.disconnect(this._onPeople);
    content.stateChanged.disconnect(this._onPeople);
    this._asking.dispose();
    Signal.clearData(this);
  }

  private _add(params: IParams): void {
    const comment = UUID.uuid4();
    this._send(comment, 'comments.add', { ...params, comment });
  }

  private _ask(method: IAsked['method'], params: IParams): void {
    const op = UUID.uuid4();
    // A deletion needs no id: done twice it is done once.
    this._send(op, method, { ...params, op });
  }

  private _send(id: string, method: IAsked['method'], params: IParams): void {
    // The next page asks in this order, and a reply is nothing before its thread: also of one millisecond.
    this._now = Math.max(Date.now(), this._now + 1);
    const at = this._now / 1000;
    this._asking.ask({ id, method, params, at, refused: null });
  }

  private _read(): Map<string, IThread> {
    this._threads ??= this._options.source.threads();
    return this._threads;
  }

  private _tell(ids: readonly string[]): void {
    ids.forEach(id => this._shown.delete(id));
    this._all = null;
    this._changed.emit(new Set(ids));
  }

  private readonly _onSource = (
    _: unknown,
    ids: ReadonlySet<string> | null
  ): void => {
    if (!ids) {
      this._onPeople();
      return;
    }
    const known = this._read();
    const news: INews[] = [];
    let isOrdered = true;
    for (const id of ids) {
      const before = known.get(id);
      const now = this._options.source.thread(id);
      if (!now) {
        known.delete(id);
        continue;
      }
      isOrdered &&= before !== undefined;
      known.set(id, now);
      const had = new Set(before?.comments.map(one => one.id));
      for (const comment of now.comments) {
        if (!had.has(comment.id) && !this.isMine(comment.by)) {
          news.push({ thread: now, comment });
        }
      }
    }
    if (!isOrdered) {
      this._threads = null;
    }
    this._tell([...ids]);
    if (this._isReady) {
      news.forEach(one => this._arrived.emit(one));
    }
  };

  private readonly _onPeople = (): void => {
    this._people = null;
    this._changed.emit(null);
  };

  private readonly _onState = (): void => {
    if (this._options.replica.state === 'synced' && !this._isReady) {
      this._isReady = true;
      this._changed.emit(null);
    }
  };

  private readonly _asking: Asking;
  private readonly _changed = new Signal<this, ReadonlySet<string> | null>(
    this
  );
  private readonly _arrived = new Signal<this, INews>(this);
  private readonly _refused = new Signal<this, IAsked>(this);
  private readonly _undecided = new Signal<this, void>(this);
  private readonly _shown = new Map<string, IShownThread | null>();
  private _threads: Map<string, IThread> | null = null;
  private _all: readonly IShownThread[] | null = null;
  private _people: ReturnType<IThreadSource['people']> | null = null;
  private _isReady = false;
  private _now = 0;
}

/** Return a person as an author, by what the server says of them. */
export function personOf({
  username,
  display_name,
  name
}: Readonly<Record<string, unknown>>): IAuthor {
  const user = typeof username === 'string' ? username : '';
  const called = [display_name, name].filter(one => typeof one === 'string');
  const found = called.find(Boolean) ?? user;
  return { user, kind: 'person', name: found, claimed: false };
}

function some(mentions: readonly string[]): Pick<IParams, 'mentions'> {
  return mentions.length ? { mentions } : {};
}
