/** Remembers of each shared document what nobody could ask later: since when, and what the relay said. */

import type { DocumentChange, ISharedDocument } from '@jupyter/ydoc';
import { type ISignal, Signal } from '@lumino/signaling';
import type { ILink } from '../channels/link';
import { Roster } from '../presence/roster';
import type { IClosed } from '../provider';
import { problemOf } from '../text_view/text_state';
import type { ILiveDocument } from '../tokens';
import type { IFacts, INotice } from './standing';

/** The notices that are about something that passes; the others are told once, as notifications. */
const LASTING = [
  'save-failed',
  'read-only',
  'unreadable',
  'deleted',
  'not-merged',
  'emptied',
  'upgrade',
  'store'
];

/** Tell whether somebody whom the server knows may not open a document any more. */
export function isBarred({ provider }: ILiveDocument, link: ILink): boolean {
  const isAway = provider.state !== 'synced' && provider.state !== 'closed';
  return isAway && (provider.isBarred || link.status.state === 'no-access');
}

/** Follow one document. */
export class Watch {
  /** Return the one of a document. */
  static of(live: ILiveDocument, link: ILink): Watch {
    let found = all.get(live.model);
    if (!found) {
      found = new Watch(live, link);
      all.set(live.model, found);
    }
    return found;
  }

  private constructor(
    readonly live: ILiveDocument,
    private readonly _link: ILink
  ) {
    const { model, provider } = live;
    const tell = () => this._changed.emit();
    provider.stateChanged.connect(tell);
    provider.roleChanged.connect(tell);
    provider.closed.connect((_, closed) => {
      this._closed = closed;
      tell();
    });
    provider.eventReceived.connect((_, { name, params }) => {
      if (name === 'projection') {
        const problem = problemOf(params);
        const since = this._invalid?.since ?? Date.now();
        this._invalid = problem && { problem, since };
        tell();
      }
      const { code, message } = params;
      if (
        name === 'notice' &&
        typeof code === 'string' &&
        typeof message === 'string' &&
        LASTING.includes(code)
      ) {
        this._notice = { code, message };
        tell();
      }
    });
    provider.pending.changed.connect(({ since }) => {
      if (since === null && this._notice?.code === 'store') {
        this._notice = null;
      }
      tell();
    });
    _link.statusChanged.connect(this._tell, this);
    model.changed.connect(this._onChanged, this);
    this._roster = Roster.of(model.awareness);
    this._roster.changed.connect(tell);
    // The link stays when the document goes.
    model.disposed.connect(() => Signal.clearData(this));
  }

  /** Something that is said of the document may be another now. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What this tab typed and the relay has not confirmed. */
  get texts(): readonly string[] {
    const { provider } = this.live;
    const unsaved = this._closed?.unsaved ?? provider.unsaved();
    return unsaved.map(({ text }) => text);
  }

  /** Return what is known now; `kernel` tells whether a kernel could take part. */
  facts(couldHaveKernel: boolean): IFacts {
    const { provider } = this.live;
    const { participants } = this._roster;
    const { count, since } = provider.pending;
    const others = participants.filter(who => !who.isKernel && !who.isMe);
    // Without a connection nobody can be seen, which does not mean that nobody is here.
    const isSeeing = provider.state === 'synced';
    const isLinked = participants.some(({ isKernel }) => isKernel);
    return {
      state: provider.state,
      since: provider.since,
      role: provider.role,
      isOnline: navigator.onLine,
      isSignedOut: this._link.status.state === 'signed-out',
      isBarred: isBarred(this.live, this._link),
      closed: this._closed,
      pending: count,
      pendingSince: since,
      hasText: count > 0 && this.texts.length > 0,
      dirtySince: this._dirtySince,
      notice: this._notice,
      invalid: this._invalid,
      people: isSeeing ? others.length + 1 : 0,
      kernel: isLinked || (isSeeing && couldHaveKernel ? false : null)
    };
  }

  private _tell(): void {
    this._changed.emit();
  }

  private _onChanged(_: ISharedDocument, change: DocumentChange): void {
    for (const { name, newValue } of change.stateChange ?? []) {
      const isDirty = name === 'dirty' && newValue === true;
      if (name !== 'dirty' || isDirty === (this._dirtySince !== null)) {
        continue;
      }
      this._dirtySince = isDirty ? Date.now() : null;
      if (!isDirty && this._notice?.code !== 'store') {
        this._notice = null;
      }
      this._changed.emit();
    }
  }

  private readonly _roster: Roster;
  private readonly _changed = new Signal<this, void>(this);
  private _closed: IClosed | null = null;
  private _notice: INotice | null = null;
  private _invalid: IFacts['invalid'] = null;
  private _dirtySince: number | null = null;
}

const all = new WeakMap<ISharedDocument, Watch>();
