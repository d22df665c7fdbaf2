/** What is known about the comments of one open document: threads, places, people, and what was read. */

import type { YFile } from '@jupyter/ydoc';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { type IIdentity, isRecord } from '../presence/identity';
import { Roster } from '../presence/roster';
import type { ILiveDocument } from '../tokens';
import { lookOf } from './authors';
import { Directory } from './directory';
import type { IMentionable } from './mentions';
import { ThreadPlaces } from './places';
import { Private } from './private';
import type { Discussion } from './discussion';
import type { ISession } from './shared';
import type { IAuthor } from './threads';

/** Hold it, for as long as the document is open. */
export class CommentSession implements ISession {
  constructor(
    readonly live: ILiveDocument,
    /** Where it is looked at; the last of several views. */
    public widget: IDocumentWidget
  ) {
    this.discussion = live.discussion;
    this.places = new ThreadPlaces((live.model as YFile).ydoc, this.discussion);
    this.private = new Private(
      live.provider,
      this.discussion,
      live.halfWritten
    );
    this._directory = new Directory(live.provider);
    this._roster = Roster.of(live.model.awareness);
    this.discussion.changed.connect(this._salvage);
    this.private.changed.connect(this._salvage);
    const leave = () => this.private.flush();
    window.addEventListener('pagehide', leave);
    live.model.disposed.connect(() => {
      window.removeEventListener('pagehide', leave);
      this.discussion.changed.disconnect(this._salvage);
      this.places.dispose();
      this.private.dispose();
    });
  }

  readonly discussion: Discussion;
  readonly places: ThreadPlaces;
  readonly private: Private;

  /** Return how an author looks. */
  lookOf(author: IAuthor): IIdentity {
    const mine: unknown = this.live.model.awareness.getLocalState()?.['user'];
    return lookOf(author, {
      people: this._known,
      me: isRecord(mine) ? mine : {},
      here: this._roster.participants
    });
  }

  /** Everybody who can be mentioned: who is here, who wrote here, and who was found on the server. */
  get people(): readonly IMentionable[] {
    const { user: me } = this.discussion.me;
    const here = new Map(
      this._roster.participants
        .filter(({ isKernel, isMe }) => !isKernel && !isMe)
        .map(({ username, name }) => [username, name])
    );
    const users = new Set([...here.keys(), ...this._known.keys()]);
    users.delete(me);
    return [...users].map(user => {
      const name = here.get(user) ?? user;
      const author = { user, kind: 'person', name, claimed: false } as const;
      return { ...this.lookOf(author), user, isHere: here.has(user) };
    });
  }

  findPeople(query: string): Promise<boolean> {
    return this._directory.find(query);
  }

  /** What is known of people; what the document says of them counts more. */
  private get _known(): Discussion['people'] {
    const { people } = this._directory;
    return people.size
      ? new Map([...people, ...this.discussion.people])
      : this.discussion.people;
  }

  /** Somebody deletes a thread while this person writes into it: the words are shown as what cannot be sent. */
  private readonly _salvage = (): void => {
    for (const [thread, text] of this.private.drafts) {
      const deleted = this.discussion.deleted(thread);
      if (deleted) {
        this.private.keep(thread, '');
        this.discussion.salvage(thread, text, deleted.by.name);
      }
    }
  };

  private readonly _directory: Directory;
  private readonly _roster: Roster;
}
