/** Keeps one document and its awareness in step with one channel, across reconnects (section 3). */

import { Signal, type ISignal } from '@lumino/signaling';
import { type Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { IChannel, IConnection } from './channels/channel';
import type { Pending } from './documents/pending';
import { type IUnsaved, Unacknowledged } from './documents/unacknowledged';
import { type Base, baseOf, covers } from './documents/unsent';
import { ChannelClosed, NotConnected } from './errors';
import { Inbox } from './inbox';
import { type IOpeningOptions, Opening } from './opening';
import { Outbox } from './outbox';
import { Presence } from './presence';
import { type CloseCode, sentence } from './protocol/codes';
import type { IEvent } from './protocol/event';
import type { Decoded } from './protocol/peer';
import * as sync from './protocol/sync';
import { choose } from './protocol/version';
import type { IWelcome } from './protocol/welcome';
import { Requests } from './requests';
import { Rights } from './rights';
import { isRole, type Role } from './roles';
import { Standing, type State } from './standing';

export type { State };

/** Why a document was ended for good, with what had not been acknowledged. */
export interface IClosed {
  readonly code: CloseCode;
  readonly reason: string;
  readonly unsaved: readonly IUnsaved[];
  /** The same and all else that was not acknowledged, null where there is nothing. */
  readonly unsent: IUnsent | null;
}

/** What was not acknowledged, in a form in which it can be kept elsewhere and brought back. */
export interface IUnsent {
  readonly lineage: string;
  readonly update: Uint8Array;
  readonly base: Base;
  readonly texts: readonly IUnsaved[];
}

/** What a provider is made of. */
export interface IProviderOptions extends IOpeningOptions {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** `notebook` or `file`: says where in the document texts are. */
  readonly type: string;
  /** Whether nobody may write the document but the relay. */
  readonly isReplica?: boolean;
}

/** The origin of what is brought back: as good as typed here. */
const RESTORED = 'rtc_widgets.restored';
/** Milliseconds. */
const REQUEST_TIMEOUT = 30_000;

/** Keep one document in step with the relay's. */
export class Provider {
  constructor(options: IProviderOptions) {
    this._doc = options.doc;
    this._isReplica = options.isReplica === true;
    const isRemote = (origin: unknown) => origin === this;
    this._rights = new Rights(this._doc, isRemote);
    this._unacknowledged = new Unacknowledged(
      this._doc,
      options.type,
      isRemote,
      typed => this._cross(typed)
    );
    this._outbox = new Outbox(this._unacknowledged);
    this._inbox = new Inbox(
      value => {
        this._handle(value);
        // Any frame may end the document.
        return this.state !== 'closed';
      },
      code => {
        this._channel?.close(code);
        this._end(code, sentence(code));
      }
    );
    this._connection = options.connection;
    this._opening = new Opening(options, {
      lineage: () => this._lineage,
      compares: () => !this._unacknowledged.crossings.isEmpty,
      greet: () => [sync.step1(this._vector()), this._presence.introduce()],
      opened: channel => this._opened(channel),
      receive: (frames, welcome) => this._receive(frames, welcome),
      paused: () => this._pause(),
      barred: () => this._standing.barred(),
      ended: (code, reason) => this._end(code, reason)
    });
    this._doc.on('update', this._onUpdate);
    this._presence = new Presence(options.awareness, frame => {
      if (this._welcome) {
        this._outbox.send(frame);
      }
    });
    this._requests = new Requests(frame => {
      const canAnswer =
        this._outbox.isAnswered || (this._welcome !== null && !this.mayWrite);
      if (canAnswer) {
        // After the edits: a save must hold them.
        this._outbox.flush();
        this._outbox.send(frame);
      }
      return canAnswer;
    });
    // Not before the caller has this provider and listens to it.
    queueMicrotask(() => void this._opening.open());
  }

  /** Resolves when the relay's content has arrived; rejects with `ChannelClosed` where it never will. */
  get synced(): Promise<void> {
    return this._standing.synced;
  }

  get state(): State {
    return this._standing.state;
  }

  /** Since when it stands so, in milliseconds since the epoch. */
  get since(): number {
    return this._standing.since;
  }

  /** Tells documents apart that share no history; null before the welcome. */
  get lineage(): string | null {
    return this._lineage;
  }

  /** This person's rights, null before the welcome. */
  get role(): Role | null {
    return this._rights.role;
  }

  /** Whether this tab may change the document: not before the welcome, not after the end. */
  get mayWrite(): boolean {
    return this.state !== 'closed' && this._rights.mayWrite && !this._isReplica;
  }

  /** Whether this person may not open the document any more; it waits until they may. */
  get isBarred(): boolean {
    return this._standing.isBarred;
  }

  /** Whether the relay's content has arrived once, so that there is something to look at. */
  get hasSynced(): boolean {
    return this._standing.hasSynced;
  }

  /** Whether something of this tab is not in the relay's log yet. */
  get hasUnsaved(): boolean {
    return !this._unacknowledged.isEmpty || !this._outbox.isEmpty;
  }

  /** How many changes of this tab are not in the relay's log yet, and since when. */
  get pending(): Pending {
    return this._unacknowledged.pending;
  }

  /** This tab changed the document. */
  get changedHere(): ISignal<this, void> {
    return this._changedHere;
  }

  /** All changes of this tab are in the relay's log. */
  get acknowledged(): ISignal<unknown, void> {
    return this._unacknowledged.updates.emptied;
  }

  get stateChanged(): ISignal<unknown, State> {
    return this._standing.changed;
  }

  get roleChanged(): ISignal<unknown, Role> {
    return this._rights.changed;
  }

  /** The document was ended for good. */
  get closed(): ISignal<this, IClosed> {
    return this._closed;
  }

  /** Texts whose cells went while somebody typed in them; they are lost unless they are applied again. */
  get crossed(): ISignal<this, readonly IUnsaved[]> {
    return this._crossed;
  }

  /** The relay told something (section 3.5). */
  get eventReceived(): ISignal<this, IEvent> {
    return this._eventReceived;
  }

  /** Ask the relay to do something (section 3.4). */
  request(
    method: string,
    params: Record<string, unknown> = {},
    timeout = REQUEST_TIMEOUT
  ): Promise<unknown> {
    if (this._ended) {
      return Promise.reject(this._ended);
    }
    return this._requests.ask(method, params, timeout);
  }

  /** Ask the relay to write the file; resolves when that is done. */
  async save(): Promise<void> {
    await this.request('save');
  }

  /** Return the texts of this tab that the relay has not acknowledged. */
  unsaved(): IUnsaved[] {
    return this._unacknowledged.collect();
  }

  /** Return all that the relay has not acknowledged, null where there is nothing. */
  unsent(): IUnsent | null {
    const update = this._unacknowledged.updates.collect();
    if (!update || this._lineage === null) {
      return null;
    }
    return {
      lineage: this._lineage,
      update,
      base: baseOf(this._doc, update),
      texts: this.unsaved()
    };
  }

  /**
   * Bring back what an earlier opening of the document could not send, and tell whether that was possible.
   *
   * What the relay got all the same is not doubled. It is not possible in a document of another lineage, nor where
   * something is missing on which it builds.
   */
  restore(lineage: string, update: Uint8Array, base: Base): boolean {
    const fits =
      this.mayWrite && lineage === this._lineage && covers(this._doc, base);
    if (fits) {
      Y.applyUpdate(this._doc, update, RESTORED);
    }
    return fits;
  }

  /** Try to connect now, where the next try would come later; a connection that seems alive is made anew. */
  reconnect(): void {
    if (this.state !== 'closed') {
      this._connection.reconnect();
    }
  }

  /** Tell the others that this person is leaving, at once. */
  leave(): void {
    this._presence.leave();
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._outbox.flush();
    this._channel?.close('normal');
    this._end('normal', sentence('normal'));
    [this, this._standing, this._rights].forEach(Signal.clearData);
  }

  // --- opening and ending

  private _opened(channel: IChannel): void {
    this._channel = channel;
    this._inbox.reset();
    this._outbox.attach(channel);
  }

  /** Forget the channel. */
  private _pause(): void {
    this._channel = null;
    this._welcome = null;
    this._outbox.detach();
    this._presence.forget();
    this._requests.fail(
      new NotConnected(
        'The connection to the server was lost. Your changes are kept and sent when it is back.'
      )
    );
    this._standing.paused();
  }

  private _end(code: CloseCode, reason: string, discard = false): void {
    if (this.state === 'closed') {
      return;
    }
    this._channel = null;
    this._welcome = null;
    this._opening.stop();
    this._doc.off('update', this._onUpdate);
    this._rights.dispose();
    this._presence.dispose();
    const unsaved = discard ? [] : this._unacknowledged.collect();
    const unsent = discard ? null : this.unsent();
    this._unacknowledged.dispose();
    this._ended = new ChannelClosed(code, reason);
    this._requests.fail(this._ended);
    this._standing.ended(this._ended);
    if (!this._disposed) {
      this._closed.emit({ code, reason, unsaved, unsent });
    }
  }

  // --- receiving

  private _receive(
    frames: readonly Uint8Array[],
    welcome: IWelcome | null
  ): void {
    if (welcome) {
      this._onWelcome(welcome);
    }
    if (this.state !== 'closed') {
      this._inbox.receive(frames);
    }
  }

  private _onWelcome(welcome: IWelcome): void {
    if (choose([welcome.version]) === null) {
      this._channel?.close('version-mismatch');
      this._end('version-mismatch', sentence('version-mismatch'));
      return;
    }
    if (this._lineage !== null && welcome.lineage !== this._lineage) {
      this._channel?.close('lineage-mismatch');
      this._end('lineage-mismatch', sentence('lineage-mismatch'));
      return;
    }
    this._welcome = welcome;
    this._opening.welcomed();
    this._standing.admitted();
    this._lineage = welcome.lineage;
    this._inbox.reset(welcome.limits.message);
    this._outbox.limit(welcome.limits.frame);
    this._rights.set(welcome.role);
    if (this.mayWrite) {
      return;
    }
    if (!this._isReplica && !this._unacknowledged.isEmpty) {
      // The right to write went while this tab was away: the others will never get what is here, so it is given back.
      this._channel?.close('read-only');
      this._end('read-only', sentence('read-only'));
      return;
    }
    this._requests.flush();
  }

  private _handle(value: Decoded): void {
    switch (value.kind) {
      case 'step1':
        this._answer(value.stateVector);
        break;
      case 'step2':
        this._compare(value.update);
        this._apply(value.update);
        this._standing.arrived();
        break;
      case 'update':
        this._unacknowledged.crossings.heard(value.update);
        this._apply(value.update);
        this._unacknowledged.known = 0;
        break;
      case 'awareness':
        this._presence.receive(value.update);
        break;
      case 'query-awareness':
        this._presence.tell();
        break;
      case 'status':
        this._unacknowledged.acknowledge(value.seq);
        break;
      case 'response':
        this._requests.answer(value);
        break;
      case 'event':
        this._onEvent(value);
        break;
      default:
        // `denied` is followed by a close that says more; the relay sends no requests; the rest is not known yet.
        break;
    }
  }

  /** Apply a change; an observer of the document that throws must not keep the frames behind it from arriving. */
  private _apply(update: Uint8Array): void {
    try {
      Y.applyUpdate(this._doc, update, this);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** What to say that this side has: nothing, where the relay's whole document is needed. */
  private _vector(): Uint8Array {
    const { crossings } = this._unacknowledged;
    return Y.encodeStateVector(crossings.isEmpty ? this._doc : new Y.Doc());
  }

  private _compare(whole: Uint8Array): void {
    const { crossings } = this._unacknowledged;
    if (!crossings.isEmpty) {
      this._cross(crossings.typedByOthers(whole));
    }
  }

  private _cross(typed: readonly IUnsaved[]): void {
    if (typed.length && !this._crossing.length) {
      // Later: nothing may be written while a change is being applied.
      queueMicrotask(() => {
        const all = this._crossing.splice(0);
        if (this.mayWrite) {
          this._crossed.emit(all);
        }
      });
    }
    this._crossing.push(...typed);
  }

  private _answer(stateVector: Uint8Array): void {
    if (this.mayWrite) {
      this._outbox.answer(Y.encodeStateAsUpdate(this._doc, stateVector));
      this._requests.flush();
    }
  }

  private _onEvent(event: IEvent): void {
    const { role, seq } = event.params;
    if (event.name === 'known' && typeof seq === 'number') {
      this._unacknowledged.known = seq;
    } else if (event.name === 'received') {
      this._cross(this._unacknowledged.crossings.received());
    } else if (event.name === 'role' && isRole(role)) {
      const could = this.mayWrite;
      this._rights.set(role);
      if (this.mayWrite && !could && this._rights.hasStrayed) {
        // What a viewer's tab did to its own replica (the outputs of what it ran) is not for the others.
        this._channel?.close('normal');
        this._end('lineage-mismatch', sentence('lineage-mismatch'), true);
      } else if (this.mayWrite && !could) {
        // The relay asks for what it lacks only in a handshake.
        this._channel?.close('normal');
        this._pause();
        void this._opening.open();
      }
    }
    this._eventReceived.emit(event);
  }

  // --- sending

  private readonly _onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin !== this && this.mayWrite) {
      this._unacknowledged.updates.note(update);
      this._outbox.push(update);
      this._changedHere.emit();
    }
  };

  private readonly _doc: Y.Doc;
  private readonly _isReplica: boolean;
  private readonly _standing = new Standing();
  private readonly _rights: Rights;
  private readonly _unacknowledged: Unacknowledged;
  private readonly _outbox: Outbox;
  private readonly _inbox: Inbox;
  private readonly _connection: IConnection;
  private readonly _opening: Opening;
  private readonly _presence: Presence;
  private readonly _requests: Requests;
  private readonly _closed = new Signal<this, IClosed>(this);
  private readonly _changedHere = new Signal<this, void>(this);
  private readonly _crossed = new Signal<this, readonly IUnsaved[]>(this);
  private readonly _eventReceived = new Signal<this, IEvent>(this);
  private readonly _crossing: IUnsaved[] = [];
  private _channel: IChannel | null = null;
  private _welcome: IWelcome | null = null;
  private _lineage: string | null = null;
  private _ended: ChannelClosed | null = null;
  private _disposed = false;
}
