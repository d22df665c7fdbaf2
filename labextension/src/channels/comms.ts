/** The documents of one connection: which are open on its socket, and what of a message is whose (section 2). */

import { FrameError, NotConnected } from '../errors';
import { isObject } from '../protocol/codec';
import { closeCode, sentence } from '../protocol/codes';
import * as envelope from '../protocol/envelope';
import * as welcome from '../protocol/welcome';
import type { IChannel, IChannelListener, IOpen } from './channel';

interface IComm {
  readonly listener: IChannelListener;
  welcomed: boolean;
  seq: number;
}

/** Open documents, number what they send, and hand each what it receives. */
export class Comms {
  /** @param _send sends a message on the socket. */
  constructor(private readonly _send: (message: envelope.IMessage) => void) {}

  /** Open a document. */
  open(
    commId: string,
    data: IOpen,
    frames: readonly Uint8Array[],
    listener: IChannelListener
  ): IChannel {
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

  /** Hand a message to its document; one for a document that is not open is ignored. */
  dispatch(message: envelope.IMessage): void {
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

  /** The socket is gone: tell every document of it, exactly once. */
  lost(): void {
    const comms = [...this._comms.values()];
    this._comms.clear();
    for (const comm of comms) {
      comm.listener.lost();
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
}
