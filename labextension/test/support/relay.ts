/** A relay in memory: the server's half of docs/protocol.md, with a real Y.Doc, for tests. */

import {
  applyAwarenessUpdate,
  Awareness,
  encodeAwarenessUpdate,
  removeAwarenessStates
} from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { ISocket } from '../../src/channels/connection';
import type { Refusal } from '../../src/channels/link';
import { ChannelClosed, RequestFailed } from '../../src/errors';
import * as awarenessFrame from '../../src/protocol/awareness';
import { type CloseCode, sentence } from '../../src/protocol/codes';
import * as envelope from '../../src/protocol/envelope';
import * as event from '../../src/protocol/event';
import { HEARTBEAT } from '../../src/protocol/heartbeat';
import {
  type Decoded,
  FrameReader,
  FrameWriter
} from '../../src/protocol/peer';
import * as request from '../../src/protocol/request';
import * as status from '../../src/protocol/status';
import * as sync from '../../src/protocol/sync';
import { DEFAULT_LIMITS, type ILimits } from '../../src/protocol/welcome';
import { mayWrite, type Role } from '../../src/roles';
import type { IRoom } from '../../src/rooms';

/** One document of one tab. */
class Peer {
  constructor(
    readonly socket: Socket,
    readonly commId: string,
    limits: ILimits
  ) {
    this.reader = new FrameReader(limits.message);
    this.writer = new FrameWriter(limits.frame);
  }

  send(frames: Uint8Array[], data: Record<string, unknown> = {}): void {
    const parts = frames.flatMap(frame => this.writer.split(frame));
    if (frames.length === parts.length) {
      this.socket.deliver(envelope.comm(this.commId, parts, data));
      return;
    }
    this.socket.deliver(envelope.comm(this.commId, [], data));
    for (const part of parts) {
      this.socket.deliver(envelope.comm(this.commId, [part]));
    }
  }

  readonly reader: FrameReader;
  readonly writer: FrameWriter;
  readonly clients = new Set<number>();
  received = 0;
  compares = false;
}

/** The tab's end of a WebSocket. */
class Socket implements ISocket {
  constructor(private readonly _relay: Relay) {
    queueMicrotask(() => {
      if (this._relay.isUp && this._relay.knowsMe) {
        this.isOpen = true;
        this._relay.sockets.add(this);
        this.onopen?.(undefined as never);
      } else {
        this.onclose?.(undefined as never);
      }
    });
  }

  binaryType = '';
  onopen: ISocket['onopen'] = null;
  onclose: ISocket['onclose'] = null;
  onmessage: ISocket['onmessage'] = null;
  isOpen = false;
  readonly peers = new Map<string, Peer>();

  send(data: Uint8Array): void {
    const copy = data.slice();
    queueMicrotask(() => {
      if (this.isOpen) {
        this._relay.take(this, copy);
      }
    });
  }

  deliver(message: envelope.IMessage): void {
    const data = envelope.pack(message, 'iopub').buffer;
    queueMicrotask(() => {
      if (this.isOpen && !this._relay.isDeaf) {
        this.onmessage?.({ data } as never);
      }
    });
  }

  close(): void {
    this._relay.drop(this);
  }
}

/** One room with one document. */
export class Relay {
  constructor(seed: (doc: Y.Doc) => void, lineage = 'first') {
    this.reseed(seed, lineage);
  }

  doc = new Y.Doc();
  awareness = new Awareness(this.doc);
  lineage = '';
  role: Role = 'editor';
  limits = DEFAULT_LIMITS;
  /** Whether WebSockets connect. */
  isUp = true;
  /** Whether the server knows who asks, by HTTP and by WebSocket. */
  knowsMe = true;
  /** Whether it does so by HTTP. */
  letsIn = true;
  /** Whether somebody whom it knows may open the document. */
  isOpen = true;
  /** Whether what is sent vanishes, in both directions: the network is gone without a word. */
  isDeaf = false;
  answersHeartbeats = true;
  /** Whether commits are acknowledged. */
  commits = true;
  /** How often to refuse the HTTP request, and with what. */
  refusals: Error[] = [];
  /** How often it was asked over HTTP. */
  joins = 0;
  saves: string[] = [];
  /** How to answer other requests; throws what refuses them. */
  carryOut:
    ((method: string, params: Record<string, unknown>) => unknown) | null =
    null;
  /** Whether answers to requests are lost on their way. */
  losesAnswers = false;
  /** How to answer a save. */
  saveFails: { code: string; reason: string } | null = null;
  /** Called when a peer that compares was sent the document, and when it has brought what it did. */
  shown: (() => void) | null = null;
  brought: (() => void) | null = null;
  readonly sockets = new Set<Socket>();
  /** Every WebSocket message that arrived. */
  readonly messages: Uint8Array[] = [];

  /** Start anew from a file: another document that shares no history with the one before. */
  reseed(seed: (doc: Y.Doc) => void, lineage: string): void {
    this.doc = new Y.Doc();
    this.awareness = new Awareness(this.doc);
    this.awareness.setLocalState(null);
    this.lineage = lineage;
    this.doc.transact(() => seed(this.doc));
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      this.tell(origin, [sync.update(update)]);
    });
    this.awareness.on(
      'update',
      (change: Record<string, number[]>, origin: unknown) => {
        const clients = Object.values(change).flat();
        const update = encodeAwarenessUpdate(this.awareness, clients);
        this.tell(origin, [awarenessFrame.encode(update)]);
      }
    );
  }

  /** What `GET api/rtc_widgets` answers to those whom it refuses. */
  get refusal(): Refusal | null {
    return this.knowsMe && this.letsIn ? null : 'signed-out';
  }

  /** What `PUT api/rtc_widgets/rooms/…` answers. */
  readonly join = (): Promise<IRoom> => {
    this.joins += 1;
    const refused = (code: CloseCode) =>
      new ChannelClosed(code, sentence(code));
    const refusal = this.refusal
      ? refused('unauthorized')
      : this.isOpen
        ? this.refusals.shift()
        : refused('no-access');
    if (refusal) {
      return Promise.reject(refusal);
    }
    return Promise.resolve({
      room: 'r',
      path: 'a.ipynb',
      lineage: this.lineage,
      ticket: 'ticket',
      release: '0.1.0',
      commId: 'r.content',
      annotationsId: 'r.annotations'
    });
  };

  readonly connect = (): ISocket => new Socket(this);

  get peers(): Peer[] {
    return [...this.sockets].flatMap(socket => [...socket.peers.values()]);
  }

  /** Break every WebSocket. */
  cut(): void {
    for (const socket of [...this.sockets]) {
      this.drop(socket);
    }
  }

  drop(socket: Socket): void {
    if (!socket.isOpen) {
      return;
    }
    socket.isOpen = false;
    this.sockets.delete(socket);
    for (const peer of socket.peers.values()) {
      removeAwarenessStates(this.awareness, [...peer.clients], peer);
    }
    socket.peers.clear();
    queueMicrotask(() => socket.onclose?.(undefined as never));
  }

  /** Close the document for everybody. */
  close(code: CloseCode, reason = sentence(code)): void {
    for (const peer of this.peers) {
      this.expel(peer, code, reason);
    }
  }

  event(name: string, params: Record<string, unknown>): void {
    this.tell(null, [event.encode(name, params)]);
  }

  take(socket: Socket, data: Uint8Array): void {
    const message = envelope.unpack(data);
    if (this.isDeaf) {
      return;
    }
    if (message.content.comm_id === HEARTBEAT.content.comm_id) {
      if (this.answersHeartbeats) {
        socket.deliver(HEARTBEAT);
      }
      return;
    }
    this.messages.push(data);
    this.receive(socket, message);
  }

  receive(socket: Socket, message: envelope.IMessage): void {
    const id = message.content.comm_id;
    const data = message.content.data ?? {};
    const peer = socket.peers.get(id);
    if (message.msgType === 'comm_open') {
      this._open(socket, id, data, message.buffers);
    } else if (peer && message.msgType === 'comm_close') {
      socket.peers.delete(id);
      removeAwarenessStates(this.awareness, [...peer.clients], peer);
    } else if (peer) {
      peer.received += 1;
      if (data.seq !== peer.received) {
        this.expel(peer, 'bad-frame');
        return;
      }
      this._frames(peer, message.buffers);
    }
  }

  private tell(origin: unknown, frames: Uint8Array[]): void {
    for (const peer of this.peers) {
      if (peer !== origin) {
        peer.send(frames);
      }
    }
  }

  private expel(peer: Peer, code: CloseCode, reason = sentence(code)): void {
    peer.socket.peers.delete(peer.commId);
    peer.socket.deliver(envelope.close(peer.commId, code, reason));
  }

  private _open(
    socket: Socket,
    id: string,
    data: Record<string, unknown>,
    frames: readonly Uint8Array[]
  ): void {
    const peer = new Peer(socket, id, this.limits);
    peer.compares = data.compares === true;
    if (data.lineage !== null && data.lineage !== this.lineage) {
      this.expel(peer, 'lineage-mismatch');
      return;
    }
    const answers: Uint8Array[] = [];
    for (const frame of frames) {
      const value = peer.reader.receive(frame);
      answers.push(...(value ? this._take(peer, value) : []));
    }
    if (mayWrite(this.role)) {
      answers.push(sync.step1(Y.encodeStateVector(this.doc)));
    }
    const known = [...this.awareness.getStates().keys()];
    if (known.length) {
      const update = encodeAwarenessUpdate(this.awareness, known);
      answers.push(awarenessFrame.encode(update));
    }
    socket.peers.set(id, peer);
    peer.send(answers, {
      welcome: {
        version: 1,
        release: '0.1.0',
        role: this.role,
        lineage: this.lineage,
        document: 'content',
        path: 'a.ipynb',
        room: 'r',
        limits: this.limits
      }
    });
    if (peer.compares) {
      this.shown?.();
    }
  }

  private _frames(peer: Peer, frames: readonly Uint8Array[]): void {
    const answers: Uint8Array[] = [];
    let wrote = false;
    try {
      for (const frame of frames) {
        const value = peer.reader.receive(frame);
        wrote ||= value?.kind === 'step2' || value?.kind === 'update';
        answers.push(...(value ? this._take(peer, value) : []));
      }
    } catch (error) {
      if (!(error instanceof ChannelClosed)) {
        throw error;
      }
      this.expel(peer, error.code);
      return;
    }
    if (wrote && this.commits) {
      answers.push(status.encode(peer.received));
    }
    if (answers.length) {
      peer.send(answers);
    }
  }

  private _take(peer: Peer, value: Decoded): Uint8Array[] {
    switch (value.kind) {
      case 'step1':
        return [sync.step2(Y.encodeStateAsUpdate(this.doc, value.stateVector))];
      case 'step2':
      case 'update':
        if (!mayWrite(this.role)) {
          throw new ChannelClosed('read-only', sentence('read-only'));
        }
        if (value.kind === 'step2' && peer.compares) {
          this._share(peer);
          Y.applyUpdate(this.doc, value.update, peer);
          this.brought?.();
        } else {
          Y.applyUpdate(this.doc, value.update, peer);
        }
        return [];
      case 'awareness':
        for (const { client } of awarenessFrame.decodeStates(value.update)) {
          peer.clients.add(client);
        }
        applyAwarenessUpdate(this.awareness, value.update, peer);
        return [];
      case 'request':
        return [this._answer(value)].filter(() => !this.losesAnswers);
      default:
        return [];
    }
  }

  /** Tell who looks after the texts that the next update deletes. */
  private _share(peer: Peer): void {
    peer.compares = false;
    for (const other of this.peers.filter(other => other !== peer)) {
      other.send([event.encode('known', { seq: other.received })]);
    }
    peer.send([event.encode('received', { seq: peer.received })]);
  }

  private _answer({ id, method, params }: request.IRequest): Uint8Array {
    if (method === 'take-back') {
      this.event('taken-back', params);
      return request.encodeResponse(id, true, {});
    }
    if (this.carryOut) {
      try {
        return request.encodeResponse(id, true, this.carryOut(method, params));
      } catch (error) {
        if (!(error instanceof RequestFailed)) {
          throw error;
        }
        const { code, message: reason } = error;
        return request.encodeResponse(id, false, { code, reason });
      }
    }
    if (method !== 'save') {
      const reason = `No request ${method}.`;
      return request.encodeResponse(id, false, {
        code: 'unknown-method',
        reason
      });
    }
    if (this.saveFails) {
      return request.encodeResponse(id, false, this.saveFails);
    }
    this.saves.push(JSON.stringify(this.doc.getArray('cells').toJSON()));
    return request.encodeResponse(id, true, { hash: 'h', last_modified: '' });
  }
}
