/** One WebSocket for all documents of a tab, opened again when it breaks (section 2). */

import type { ISignal } from '@lumino/signaling';
import { FrameError, NotConnected } from '../errors';
import * as envelope from '../protocol/envelope';
import { HEARTBEAT } from '../protocol/heartbeat';
import { Backoff } from './backoff';
import type { IChannel, IChannelListener, IConnection, IOpen } from './channel';
import { Comms } from './comms';
import { Heartbeat, type IHeartbeatTimes, TIMES } from './heartbeat';
import { type ILink, type ILinkStatus, LinkStatus, type Refusal } from './link';
import { Waits } from './waits';

/** The part of `WebSocket` that a connection needs. */
export interface ISocket {
  binaryType: string;
  onopen: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

/** What a connection is made of. */
export interface IConnectionOptions {
  /** Makes a socket that starts to connect. */
  readonly connect: () => ISocket;
  /** Asks the server whether it lets this person in, null where it does; rejects where it does not answer. */
  readonly refusal?: () => Promise<Refusal | null>;
  /** Hears that the server is back after a silence: whatever else was under way then may wait for ever. */
  readonly revived?: () => void;
  readonly backoff?: Backoff;
  readonly times?: IHeartbeatTimes;
}

/** Milliseconds; a network that swallows packets would leave a socket connecting for minutes. */
const CONNECTING = 10_000;
/** After so long an attempt is given up where something says that the network may be another one now. */
const STALE = 2_000;
/** The shortest wait between two attempts. */
const SHORTEST = 500;

/** Carry many documents on one WebSocket. */
export class Connection implements IConnection, ILink {
  constructor(options: IConnectionOptions) {
    this._connect = options.connect;
    this._refusal = options.refusal ?? (() => Promise.resolve(null));
    this._revived = options.revived ?? (() => undefined);
    this._backoff = options.backoff ?? new Backoff();
    this._heartbeat = new Heartbeat(
      () => this._send(HEARTBEAT),
      () => this._silent(),
      options.times ?? TIMES
    );
  }

  /** Whether documents can be opened now. */
  get isOpen(): boolean {
    return this._open;
  }

  get status(): ILinkStatus {
    return this._status.current;
  }

  get statusChanged(): ISignal<unknown, ILinkStatus> {
    return this._status.changed;
  }

  ready(): Promise<void> {
    if (this._disposed) {
      return Promise.reject(new NotConnected('The connection was closed.'));
    }
    if (this._open) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this._waiting.push({ resolve, reject });
      if (!this._socket && !this._resting) {
        this._start();
      }
    });
  }

  open(
    commId: string,
    data: IOpen,
    frames: readonly Uint8Array[],
    listener: IChannelListener
  ): IChannel {
    if (!this._open) {
      throw new NotConnected('There is no connection to the server.');
    }
    return this._comms.open(commId, data, frames, listener);
  }

  wait(duration: number): Promise<void> {
    return this._waits.for(duration);
  }

  reconnect(): void {
    this._hangUp(1000);
    this.wake();
    // A socket that was only connecting left nobody waiting for the next attempt.
    if (this._waiting.length && !this._resting) {
      this._start();
    }
  }

  /** Something says that the network may be back, or gone: try at once, and probe a connection that stands. */
  wake(): void {
    if (this._open) {
      this._heartbeat.probe();
    }
    // A failure that follows is a first one: somebody looks at the screen.
    this._backoff.reset();
    const isConnecting = this._socket !== null && !this._open;
    if (isConnecting && Date.now() - this._startedAt > STALE) {
      this._isSilent = true;
      this._failed();
    }
    this._waits.wake();
  }

  async isRefused(): Promise<boolean> {
    const refusal = await this._refusal().catch(() => null);
    if (refusal) {
      // What the server accepted before it accepts no more: the socket lives on borrowed time.
      if (this._open) {
        this._hangUp(1000);
      }
      this._status.set(refusal, this.status.retryAt);
    }
    return refusal !== null;
  }

  /** Close the socket for good. */
  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._hangUp(1000);
    this._waits.wake();
    for (const { reject } of this._waiting.splice(0)) {
      reject(new NotConnected('The connection was closed.'));
    }
  }

  private _start(): void {
    const socket = this._connect();
    this._socket = socket;
    this._startedAt = Date.now();
    this._late = setTimeout(() => {
      this._isSilent = true;
      this._failed();
    }, CONNECTING);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      clearTimeout(this._late);
      this._open = true;
      this._status.set('connected');
      this._heartbeat.start();
      const wasSilent = this._isSilent;
      this._isSilent = false;
      if (wasSilent) {
        this._revived();
      }
      for (const { resolve } of this._waiting.splice(0)) {
        resolve();
      }
    };
    socket.onmessage = (event: { data: unknown }) => {
      this._receive(event.data);
    };
    // An error is always followed by a close.
    socket.onclose = () => (this._open ? this._drop() : this._failed());
  }

  /** The socket could not be opened. */
  private _failed(): void {
    this._hangUp();
    if (this._disposed) {
      return;
    }
    if (!this._resting) {
      void this._rest();
    }
    // A browser does not tell why it got no WebSocket; a request over HTTP does.
    void this._refusal().then(
      refusal => {
        if (!this._open) {
          this._status.set(refusal ?? 'offline', this.status.retryAt);
        }
      },
      () => undefined
    );
  }

  /** No answer came to a heartbeat. */
  private _silent(): void {
    // A server of an earlier release knows none.
    if (this._answersHeartbeats) {
      this._isSilent = true;
      this._hangUp();
    }
  }

  private _hangUp(code?: number): void {
    const socket = this._socket;
    this._drop();
    socket?.close(code);
  }

  /** Forget the socket, and tell its documents. */
  private _drop(): void {
    const socket = this._socket;
    const wasOpen = this._open;
    clearTimeout(this._late);
    this._heartbeat.stop();
    this._socket = null;
    this._open = false;
    if (socket) {
      socket.onopen = socket.onclose = socket.onmessage = null;
    }
    // From here on, `ready()` of a listener must wait for the back-off.
    if (wasOpen && !this._disposed) {
      this._startedAt = Date.now();
      void this._rest();
    }
    this._comms.lost();
  }

  /** Wait for the next attempt, and make it if there is somebody for whom. */
  private async _rest(): Promise<void> {
    this._resting = true;
    // Counted from where the attempt began: one that had to be given up has waited already.
    const planned = this._backoff.next();
    const tried = Date.now() - this._startedAt;
    const wait = Math.max(Math.min(planned, SHORTEST), planned - tried);
    const { state } = this.status;
    const isRefused = state === 'signed-out' || state === 'no-access';
    const now = isRefused ? state : 'offline';
    this._status.set(now, Date.now() + wait);
    await this._waits.for(wait);
    this._resting = false;
    if (this._waiting.length && !this._disposed) {
      this._status.set(this.status.state);
      this._start();
    }
  }

  private _send(message: envelope.IMessage): void {
    this._socket?.send(envelope.pack(message));
  }

  private _receive(data: unknown): void {
    // Only a server that works resets the back-off: one that accepts and closes must not be hammered.
    this._backoff.reset();
    this._heartbeat.heard();
    if (!(data instanceof ArrayBuffer)) {
      return;
    }
    let message: envelope.IMessage;
    try {
      message = envelope.unpack(new Uint8Array(data));
    } catch (error) {
      if (!(error instanceof FrameError)) {
        throw error;
      }
      // Section 2: "A message that does not parse as an envelope closes the connection".
      this._hangUp(4400);
      return;
    }
    if (message.content.comm_id === HEARTBEAT.content.comm_id) {
      this._answersHeartbeats = true;
    } else {
      this._comms.dispatch(message);
    }
  }

  private readonly _connect: () => ISocket;
  private readonly _refusal: () => Promise<Refusal | null>;
  private readonly _revived: () => void;
  private readonly _backoff: Backoff;
  private readonly _heartbeat: Heartbeat;
  private readonly _comms = new Comms(message => {
    this._send(message);
    this._heartbeat.sent();
  });
  private readonly _status = new LinkStatus();
  private readonly _waits = new Waits();
  private readonly _waiting: {
    resolve: () => void;
    reject: (error: Error) => void;
  }[] = [];
  private _socket: ISocket | null = null;
  private _open = false;
  private _resting = false;
  private _disposed = false;
  private _answersHeartbeats = false;
  private _isSilent = false;
  private _startedAt = 0;
  private _late: ReturnType<typeof setTimeout> | undefined;
}
