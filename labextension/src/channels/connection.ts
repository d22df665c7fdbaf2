/** One WebSocket for all documents of a tab, opened again when it breaks (section 2). */

import { FrameError, NotConnected } from '../errors';
import { isObject } from '../protocol/codec';
import { closeCode, sentence } from '../protocol/codes';
import * as envelope from '../protocol/envelope';
import * as welcome from '../protocol/welcome';
import { Backoff } from './backoff';
import type { IChannel, IChannelListener, IConnection, IOpen } from './channel';

/** The part of `WebSocket` that a connection needs. */
export interface ISocket {
  binaryType: string;
  onopen: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

interface IComm {
  readonly listener: IChannelListener;
  welcomed: boolean;
  seq: number;
}

/** Carry many documents on one WebSocket. */
export class Connection implements IConnection {
  /**
   * @param _connect makes a socket that starts to connect.
   * @param _backoff decides how long to wait after a failure.
   */
  constructor(
    private readonly _connect: () => ISocket,
    private readonly _backoff: Backoff = new Backoff()
  ) {}

  /** Whether documents can be opened now. */
  get isOpen(): boolean {
    return this._open;
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
      if (!this._socket && this._timer === null) {
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
    if (this._comms.has(commId)) {
      throw new NotConnected('The document is already open in this tab.');
    }
    const comm: IComm = { listener, welcomed: false, seq: 0 };
    this._comms.set(commId, comm);
    this._send(envelope.open(commId, { ...data }, frames));
    const isOpen = () => this._comms.get(commId) === comm;
    return {
      send: (buffers: readonly Uint8Array[]): number => {
        if (!isOpen()) {
          throw new NotConnected('The document is closed.');
        }
        comm.seq += 1;
        this._send(envelope.comm(commId, buffers, { seq: comm.seq }));
        return comm.seq;
      },
      close: code => {
        if (isOpen()) {
          this._comms.delete(commId);
          this._send(envelope.close(commId, code, sentence(code)));
        }
      }
    };
  }

  /** Try again at once, because something says that the network is back. */
  wake(): void {
    if (this._timer !== null) {
      clearTimeout(this._timer);
      this._timer = null;
      this._start();
    }
  }

  retry(): void {
    const socket = this._socket;
    if (socket) {
      this._lost();
      socket.close(1000);
    }
    this.wake();
  }

  /** Close the socket for good. */
  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    if (this._timer !== null) {
      clearTimeout(this._timer);
      this._timer = null;
    }
    const socket = this._socket;
    this._drop();
    socket?.close(1000);
    for (const { reject } of this._waiting.splice(0)) {
      reject(new NotConnected('The connection was closed.'));
    }
  }

  private _start(): void {
    const socket = this._connect();
    this._socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this._open = true;
      for (const { resolve } of this._waiting.splice(0)) {
        resolve();
      }
    };
    socket.onmessage = (event: { data: unknown }) => {
      this._receive(event.data);
    };
    // An error is always followed by a close.
    socket.onclose = () => this._lost();
  }

  private _lost(): void {
    this._drop();
    if (this._waiting.length && !this._disposed && this._timer === null) {
      this._later();
    }
  }

  /** Forget the socket and tell every document of it, exactly once. */
  private _drop(): void {
    const socket = this._socket;
    const wasOpen = this._open;
    this._socket = null;
    this._open = false;
    if (socket) {
      socket.onopen = socket.onclose = socket.onmessage = null;
    }
    // From here on, `ready()` of a listener must wait for the back-off.
    if (wasOpen && !this._disposed) {
      this._later();
    }
    const comms = [...this._comms.values()];
    this._comms.clear();
    for (const comm of comms) {
      comm.listener.lost();
    }
  }

  private _later(): void {
    this._timer = setTimeout(() => {
      this._timer = null;
      if (this._waiting.length) {
        this._start();
      }
    }, this._backoff.next());
  }

  private _send(message: envelope.IMessage): void {
    this._socket?.send(envelope.pack(message));
  }

  private _receive(data: unknown): void {
    // Only a server that works resets the back-off: one that accepts and closes must not be hammered.
    this._backoff.reset();
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
      const socket = this._socket;
      this._drop();
      socket?.close(4400);
      return;
    }
    this._dispatch(message);
  }

  private _dispatch(message: envelope.IMessage): void {
    const id = message.content.comm_id;
    const comm = this._comms.get(id);
    if (!comm) {
      return;
    }
    const data = message.content.data ?? {};
    if (message.msgType === 'comm_close') {
      this._comms.delete(id);
      const code = closeCode(data.code);
      const reason = typeof data.reason === 'string' ? data.reason : '';
      comm.listener.closed(code, reason || sentence(code));
    } else if (message.msgType === 'comm_msg') {
      this._deliver(id, comm, message, data.welcome);
    }
  }

  private _deliver(
    id: string,
    comm: IComm,
    message: envelope.IMessage,
    given: unknown
  ): void {
    // Before its welcome, what comes is meant for an earlier opening of the same document.
    if (!comm.welcomed && !isObject(given)) {
      return;
    }
    try {
      const read = comm.welcomed ? null : welcome.fromJson(given);
      comm.welcomed = true;
      comm.listener.receive(message.buffers, read);
    } catch (error) {
      if (!(error instanceof FrameError) || this._comms.get(id) !== comm) {
        throw error;
      }
      this._comms.delete(id);
      this._send(envelope.close(id, 'bad-frame', error.message));
      comm.listener.closed('bad-frame', sentence('bad-frame'));
    }
  }

  private readonly _comms = new Map<string, IComm>();
  private readonly _waiting: {
    resolve: () => void;
    reject: (error: Error) => void;
  }[] = [];
  private _socket: ISocket | null = null;
  private _open = false;
  private _disposed = false;
  private _timer: ReturnType<typeof setTimeout> | null = null;
}
