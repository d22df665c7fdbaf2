/** The comments on a document in a page that has no replica of it: as the kernel tells them, and done by the kernel. */

import { type ISignal, Signal } from '@lumino/signaling';
import type { IShownThread } from '../comments/asked';
import type { IKept } from '../comments/asking';
import { lookOf } from '../comments/authors';
import { Directory } from '../comments/directory';
import { Discussion, type IContentProvider } from '../comments/discussion';
import type { IMentionable } from '../comments/mentions';
import type { IPlaces, IPrivate, ISession } from '../comments/shared';
import {
  type IAuthor,
  inOrder,
  type IThread,
  type IThreadSource,
  readThread
} from '../comments/threads';
import type { IResolution } from '../documents/anchors';
import type { IIdentity } from '../presence/identity';
import type { Role } from '../roles';
import type { State } from '../standing';
import type { Feed } from './feed';
import type { Patch } from './state';

/** Hold it for one view. */
export class RemoteSession implements ISession {
  constructor(private readonly _feed: Feed) {
    const asker = new Asker(_feed);
    this.discussion = new Discussion({
      source: new Source(_feed),
      replica: asker,
      content: asker,
      kept: NOWHERE,
      me: () => ({ ..._feed.state.about.me, claimed: false })
    });
    this.places = new Places(_feed, this.discussion);
    this._directory = new Directory(asker);
  }

  readonly discussion: Discussion;
  readonly places: IPlaces;
  readonly private: IPrivate = new Drafts();

  get people(): readonly IMentionable[] {
    const { people, here, about } = this._feed.state;
    const known = this._directory.people;
    const users = new Set([
      ...Object.keys(here),
      ...Object.keys(people),
      ...known.keys()
    ]);
    users.delete(about.me.user);
    return [...users].map(user => {
      const told = here[user] ?? known.get(user);
      const name = text(told?.['display_name']) || user;
      const author = { user, kind: 'person', name, claimed: false } as const;
      return { ...this.lookOf(author), user, isHere: user in here };
    });
  }

  findPeople(query: string): Promise<boolean> {
    return this._directory.find(query);
  }

  lookOf(author: IAuthor): IIdentity {
    const { people, here } = this._feed.state;
    return lookOf(author, {
      people: new Map([...this._directory.people, ...Object.entries(people)]),
      me: {},
      here: Object.entries(here).map(([username, { color }]) => ({
        username,
        color: text(color),
        isKernel: false
      }))
    });
  }

  dispose(): void {
    this.discussion.dispose();
  }

  private readonly _directory: Directory;
}

class Source implements IThreadSource {
  constructor(private readonly _feed: Feed) {
    _feed.changed.connect(this._onChange);
  }

  get changed(): ISignal<this, ReadonlySet<string> | null> {
    return this._changed;
  }

  threads(): Map<string, IThread> {
    const { threads } = this._feed.state;
    return inOrder(Object.keys(threads).flatMap(id => this.thread(id) ?? []));
  }

  thread(id: string): IThread | null {
    return readThread(id, this._feed.state.threads[id]);
  }

  people(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
    return new Map(Object.entries(this._feed.state.people));
  }

  dispose(): void {
    this._feed.changed.disconnect(this._onChange);
    Signal.clearData(this);
  }

  private readonly _onChange = (_: Feed, patch: Patch | null): void => {
    const ids = patch
      ? Object.keys(patch['threads'] ?? {})
      : [...this._known, ...Object.keys(this._feed.state.threads)];
    this._known = Object.keys(this._feed.state.threads);
    if (ids.length) {
      this._changed.emit(new Set(ids));
    }
    if (!patch || patch['people'] || patch['about']) {
      this._changed.emit(null);
    }
  };

  private _known: readonly string[] = [];
  private readonly _changed = new Signal<this, ReadonlySet<string> | null>(
    this
  );
}

class Places implements IPlaces {
  constructor(
    private readonly _feed: Feed,
    private readonly _discussion: Discussion
  ) {
    const tell = () => this._changed.emit();
    _feed.changed.connect(tell);
    _discussion.changed.connect(tell);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get ordered(): readonly IShownThread[] {
    const { order } = this._feed.state;
    return order.flatMap(id => this._discussion.thread(id) ?? []);
  }

  of(thread: string): IResolution | null {
    return this._feed.state.places[thread] ?? null;
  }

  isOrphan(thread: string): boolean {
    return this.of(thread)?.state === 'orphan';
  }

  private readonly _changed = new Signal<this, void>(this);
}

/** Who asks the kernel; also who keeps the threads in step, for it is the kernel that tells them. */
class Asker implements IContentProvider {
  constructor(private readonly _feed: Feed) {
    let { state, role } = this;
    _feed.changed.connect(() => {
      if (state !== this.state) {
        state = this.state;
        this._stateChanged.emit(state);
      }
      if (role !== this.role) {
        role = this.role;
        this._roleChanged.emit(role);
      }
    });
  }

  get state(): State {
    const { about } = this._feed.state;
    if (this._feed.standing !== 'live' || about.state === 'closed') {
      // What is there can be read.
      return about.ready ? 'closed' : 'connecting';
    }
    return !about.ready
      ? 'connecting'
      : about.state === 'live'
        ? 'synced'
        : 'offline';
  }

  get stateChanged(): ISignal<this, State> {
    return this._stateChanged;
  }

  get role(): Role {
    return this._feed.state.about.role as Role;
  }

  get roleChanged(): ISignal<this, Role> {
    return this._roleChanged;
  }

  request(method: string, params: Record<string, unknown>): Promise<unknown> {
    return this._feed.request(method, params);
  }

  private readonly _stateChanged = new Signal<this, State>(this);
  private readonly _roleChanged = new Signal<this, Role>(this);
}

/** Nobody knows who sits here, so nothing is unread, and what is half written stays in the page. */
class Drafts implements IPrivate {
  readonly changed = new Signal<this, void>(this);
  readonly unread = 0;

  isUnread(): boolean {
    return false;
  }

  read(): void {
    // Nobody knows who.
  }

  draft(key: string): string {
    return this._drafts.get(key) ?? '';
  }

  keep(key: string, text: string): void {
    this._drafts.set(key, text);
  }

  private readonly _drafts = new Map<string, string>();
}

/** A page without our extension keeps nothing for the next one. */
const NOWHERE: IKept = {
  load: () => [],
  save: () => undefined,
  remove: () => undefined
};

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
