/** Keeps one document and its awareness in step with one channel, across reconnects (section 3). */

import { Signal, type ISignal } from '@lumino/signaling';
import { type Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { Backoff } from './channels/backoff';
import type { IChannel, IConnection } from './channels/channel';
import { type IUnsaved, Unacknowledged } from './documents/unacknowledged';
import {
  ChannelClosed,
  FrameError,
  FrameTooLarge,
  NotConnected
} from './errors';
import { Presence } from './presence';
import { type CloseCode, isTransient, sentence } from './protocol/codes';
import type { IEvent } from './protocol/event';
import { type Decoded, FrameReader, FrameWriter } from './protocol/peer';
import * as sync from './protocol/sync';
import { choose, VERSIONS } from './protocol/version';
import type { IWelcome } from './protocol/welcome';
import { RELEASE } from './release';
import { Requests } from './requests';
import { isRole, mayWrite, type Role } from './roles';
import type { IRoom } from './rooms';

/** How a document stands: being opened, in step, without connection, or ended for good. */
export type State = 'connecting' | 'synced' | 'offline' | 'closed';

/** Why a document was ended for good, with what had not been acknowledged. */
export interface IClosed {
  readonly code: CloseCode;
  readonly reason: string;
  readonly unsaved: readonly IUnsaved[];
}

/** What a provider is made of. */
export interface IProviderOptions {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly connection: IConnection;
  /** `notebook` or `file`: says where in the document texts are. */
  readonly type: string;
  /** Open the room over HTTP; called before each opening of the channel. */
  readonly join: () => Promise<IRoom>;
  readonly backoff?: Backoff;
}

/** Merging many more updates at once costs more than it saves. */
const MOST_MERGED = 100;
/** Milliseconds. */
const REQUEST_TIMEOUT = 30_000;
/** The roots that hold what people work on; JupyterLab writes into the others of its own accord. */
const CONTENT = ['cells', 'source'];
/** A ticket may expire while a laptop sleeps; more refusals in a row than this are meant. */
const MOST_REFUSED = 3;

/** Keep one document in step with the relay's. */
export class Provider {
  constructor(options: IProviderOptions) {
    this._doc = options.doc;
    this._connection = options.connection;
    this._join = options.join;
    this._backoff = options.backoff ?? new Backoff();
    this._unacknowledged = new Unacknowledged(
      this._doc,
      options.type,
      origin => origin === this
    );
    this.synced = new Promise((resolve, reject) => {
      this._resolveSynced = resolve;
      this._rejectSynced = reject;
    });
    // Whoever needs it awaits it; a document that is closed before must not be an unhandled rejection.
    this.synced.catch(() => undefined);
    this._doc.on('update', this._onUpdate);
    this._doc.on('afterTransaction', this._onTransaction);
    this._presence = new Presence(options.awareness, frame => {
      if (this._welcome) {
        this._send(frame);
      }
    });
    this._requests = new Requests(frame => {
      const canAnswer = this._answered || (this._welcome && !this.mayWrite);
      if (canAnswer) {
        // After the edits: a save must hold them.
        this._flush();
        this._send(frame);
      }
      return !!canAnswer;
    });
    // Not before the caller has this provider and listens to it.
    queueMicrotask(() => void this._open());
  }

  /** Resolves when the relay's content has arrived; rejects with `ChannelClosed` where it never will. */
  readonly synced: Promise<void>;

  get state(): State {
    return this._state;
  }

  /** This person's rights, null before the welcome. */
  get role(): Role | null {
    return this._role;
  }

  /** Whether this tab may change the document: not before the welcome, not after the end. */
  get mayWrite(): boolean {
    return this._state !== 'closed' && !!this._role && mayWrite(this._role);
  }

  /** Whether the relay's content has arrived once, so that there is something to look at. */
  get hasSynced(): boolean {
    return this._syncedOnce;
  }

  /** Whether something of this tab is not in the relay's log yet. */
  get hasUnsaved(): boolean {
    return !this._unacknowledged.isEmpty || this._outgoing.length > 0;
  }

  get stateChanged(): ISignal<this, State> {
    return this._stateChanged;
  }

  get roleChanged(): ISignal<this, Role> {
    return this._roleChanged;
  }

  /** The document was ended for good. */
  get closed(): ISignal<this, IClosed> {
    return this._closed;
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

  /** Tell the others that this person is leaving, at once. */
  leave(): void {
    this._presence.leave();
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._flush();
    this._channel?.close('normal');
    this._end('normal', sentence('normal'));
    Signal.clearData(this);
  }

  // --- opening

  private async _open(): Promise<void> {
    // The first time both at once, for the answer that comes first may be that there is nothing to open. Later
    // the socket first, for a server that is away needs no requests.
    if (this._disposed) {
      return;
    }
    let room: IRoom;
    try {
      if (this._lineage === null && !this._backoff.failures) {
        [room] = await Promise.all([this._join(), this._connection.ready()]);
      } else {
        await this._connection.ready();
        room = this._disposed ? never() : await this._join();
      }
    } catch (error) {
      this._failed(error);
      return;
    }
    if (this._disposed) {
      return;
    }
    if (this._lineage !== null && room.lineage !== this._lineage) {
      this._end('lineage-mismatch', sentence('lineage-mismatch'));
      return;
    }
    this._reader = new FrameReader();
    this._writer = new FrameWriter();
    try {
      const channel: IChannel = this._connection.open(
        room.commId,
        {
          versions: VERSIONS,
          release: RELEASE,
          ticket: room.ticket,
          lineage: this._lineage
        },
        [
          sync.step1(Y.encodeStateVector(this._doc)),
          this._presence.introduce()
        ],
        {
          receive: (frames, welcome) => this._receive(frames, welcome),
          closed: (code, reason) => {
            this._channel = null;
            // A ticket can expire between the HTTP request and the opening.
            const expired =
              code === 'unauthorized' && this._backoff.failures < MOST_REFUSED;
            this._failed(
              expired
                ? new NotConnected(reason)
                : new ChannelClosed(code, reason)
            );
          },
          lost: () => {
            this._channel = null;
            this._pause();
            void this._open();
          }
        }
      );
      this._channel = channel;
    } catch (error) {
      this._failed(error);
    }
  }

  private _failed(error: unknown): void {
    if (this._disposed || this._state === 'closed') {
      return;
    }
    if (error instanceof ChannelClosed) {
      if (!isTransient(error.code)) {
        this._end(error.code, error.reason);
        return;
      }
    } else if (!(error instanceof NotConnected)) {
      this._end('internal-error', sentence('internal-error'));
      throw error;
    }
    this._pause();
    this._timer = setTimeout(() => {
      this._timer = null;
      void this._open();
    }, this._backoff.next());
  }

  /** Forget the channel; what was sent and not acknowledged travels again with the next step 2. */
  private _pause(): void {
    this._welcome = null;
    this._answered = false;
    this._outgoing = [];
    this._unacknowledged.unsent();
    this._presence.forget();
    this._requests.fail(
      new NotConnected(
        'The connection to the server was lost. Your changes are kept and sent when it is back.'
      )
    );
    this._setState(this._syncedOnce ? 'offline' : 'connecting');
  }

  private _end(code: CloseCode, reason: string, discard = false): void {
    if (this._state === 'closed') {
      return;
    }
    this._channel = null;
    this._welcome = null;
    if (this._timer !== null) {
      clearTimeout(this._timer);
    }
    this._doc.off('update', this._onUpdate);
    this._doc.off('afterTransaction', this._onTransaction);
    this._presence.dispose();
    const unsaved = discard ? [] : this._unacknowledged.collect();
    this._unacknowledged.dispose();
    this._ended = new ChannelClosed(code, reason);
    this._requests.fail(this._ended);
    this._rejectSynced(this._ended);
    this._setState('closed');
    if (!this._disposed) {
      this._closed.emit({ code, reason, unsaved });
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
    // Any frame may end the document.
    for (const frame of frames) {
      if (this._state === 'closed') {
        return;
      }
      this._receiveFrame(frame);
    }
  }

  private _receiveFrame(frame: Uint8Array): void {
    let value: Decoded | null;
    try {
      value = this._reader.receive(frame);
    } catch (error) {
      if (!(error instanceof FrameError) && !(error instanceof FrameTooLarge)) {
        throw error;
      }
      const code = error instanceof FrameError ? 'bad-frame' : 'too-large';
      this._channel?.close(code);
      this._end(code, sentence(code));
      return;
    }
    if (value) {
      this._handle(value);
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
    this._backoff.reset();
    this._lineage = welcome.lineage;
    this._reader = new FrameReader(welcome.limits.message);
    this._writer = new FrameWriter(welcome.limits.frame);
    this._setRole(welcome.role);
    if (!this.mayWrite) {
      this._requests.flush();
    }
  }

  private _handle(value: Decoded): void {
    switch (value.kind) {
      case 'step1':
        this._answer(value.stateVector);
        break;
      case 'step2':
        this._apply(value.update);
        this._syncedOnce = true;
        this._setState('synced');
        this._resolveSynced();
        break;
      case 'update':
        this._apply(value.update);
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

  private _answer(stateVector: Uint8Array): void {
    if (!this.mayWrite) {
      return;
    }
    // Step 2 holds whatever waits.
    this._outgoing = [];
    const update = Y.encodeStateAsUpdate(this._doc, stateVector);
    this._unacknowledged.sent(this._send(sync.step2(update)));
    this._answered = true;
    this._requests.flush();
  }

  private _onEvent(event: IEvent): void {
    const role = event.params.role;
    if (event.name === 'role' && isRole(role)) {
      const could = this.mayWrite;
      this._setRole(role);
      if (this.mayWrite && !could && this._strayed) {
        // What a viewer's tab did to its own replica (the outputs of what it ran) is not for the others.
        this._channel?.close('normal');
        this._end('lineage-mismatch', sentence('lineage-mismatch'), true);
      } else if (this.mayWrite && !could) {
        // The relay asks for what it lacks only in a handshake.
        this._channel?.close('normal');
        this._channel = null;
        this._pause();
        void this._open();
      }
    }
    this._eventReceived.emit(event);
  }

  // --- sending

  private readonly _onUpdate = (update: Uint8Array, origin: unknown): void => {
    // Before the answer to the relay's step 1 nothing needs to wait: the answer will hold it.
    if (origin === this || !this._answered || !this.mayWrite) {
      return;
    }
    if (!this._outgoing.length) {
      queueMicrotask(() => this._flush());
    }
    this._outgoing.push(update);
  };

  private readonly _onTransaction = (transaction: Y.Transaction): void => {
    const { changedParentTypes } = transaction;
    if (transaction.origin === this || !this._role || this.mayWrite) {
      return;
    }
    this._strayed ||= CONTENT.some(root => {
      const type = this._doc.share.get(root);
      return type !== undefined && changedParentTypes.has(type);
    });
  };

  /** Send what waits: all transactions of one turn of the event loop travel together. */
  private _flush(): void {
    const waiting = this._outgoing;
    this._outgoing = [];
    if (!this._answered) {
      return;
    }
    for (let start = 0; start < waiting.length; start += MOST_MERGED) {
      const some = waiting.slice(start, start + MOST_MERGED);
      const update = some.length > 1 ? Y.mergeUpdates(some) : some[0]!;
      this._unacknowledged.sent(this._send(sync.update(update)));
    }
  }

  /** Send one frame, in parts where it is long, and return the number of its last message. */
  private _send(frame: Uint8Array): number {
    let seq = 0;
    for (const part of this._writer.split(frame)) {
      seq = this._channel?.send([part]) ?? seq;
    }
    return seq;
  }

  private _setState(state: State): void {
    if (state !== this._state) {
      this._state = state;
      this._stateChanged.emit(state);
    }
  }

  private _setRole(role: Role): void {
    if (role !== this._role) {
      this._role = role;
      this._roleChanged.emit(role);
    }
  }

  private readonly _doc: Y.Doc;
  private readonly _connection: IConnection;
  private readonly _join: () => Promise<IRoom>;
  private readonly _backoff: Backoff;
  private readonly _unacknowledged: Unacknowledged;
  private readonly _presence: Presence;
  private readonly _requests: Requests;
  private readonly _stateChanged = new Signal<this, State>(this);
  private readonly _roleChanged = new Signal<this, Role>(this);
  private readonly _closed = new Signal<this, IClosed>(this);
  private readonly _eventReceived = new Signal<this, IEvent>(this);
  private _resolveSynced: () => void = () => undefined;
  private _rejectSynced: (error: Error) => void = () => undefined;
  private _channel: IChannel | null = null;
  private _welcome: IWelcome | null = null;
  /** Whether the relay's step 1 on this channel was answered. */
  private _answered = false;
  private _reader = new FrameReader();
  private _writer = new FrameWriter();
  private _state: State = 'connecting';
  private _role: Role | null = null;
  private _lineage: string | null = null;
  private _outgoing: Uint8Array[] = [];
  private _syncedOnce = false;
  /** Whether this replica holds changes that were made without the right to make them. */
  private _strayed = false;
  private _ended: ChannelClosed | null = null;
  private _disposed = false;
  private _timer: ReturnType<typeof setTimeout> | null = null;
}

function never(): never {
  throw new NotConnected('The document was closed.');
}
