/** How a connection notices its end and comes back, and what it says of itself meanwhile. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Backoff } from '../../src/channels/backoff';
import { Connection, type ISocket } from '../../src/channels/connection';
import type { ILinkStatus, Refusal } from '../../src/channels/link';
import { pack } from '../../src/protocol/envelope';
import { HEARTBEAT } from '../../src/protocol/heartbeat';

const FIRST = 500;
const MOST = 15_000;

/** A socket of which the test decides what comes of it. */
class Socket implements ISocket {
  binaryType = '';
  onopen: ISocket['onopen'] = null;
  onclose: ISocket['onclose'] = null;
  onmessage: ISocket['onmessage'] = null;
  sent = 0;
  isClosed = false;

  send(): void {
    this.sent += 1;
  }

  close(): void {
    this.isClosed = true;
  }

  open(): void {
    this.onopen?.(undefined as never);
    this.answer();
  }

  answer(): void {
    this.onmessage?.({ data: pack(HEARTBEAT).buffer } as never);
  }
}

let sockets: Socket[];
let refusal: Refusal | null;
let connection: Connection;
let told: ILinkStatus[];
let revived: number;

const last = () => sockets.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  told = [];
  revived = 0;
  refusal = null;
  connection = new Connection({
    connect: () => {
      sockets.push(new Socket());
      return last();
    },
    refusal: () => Promise.resolve(refusal),
    revived: () => {
      revived += 1;
    },
    backoff: new Backoff(FIRST, MOST, () => 1)
  });
  connection.statusChanged.connect((_, status) => told.push(status));
});

afterEach(() => {
  connection.dispose();
  vi.useRealTimers();
});

async function opened(): Promise<void> {
  const ready = connection.ready();
  last().open();
  await ready;
}

/** Want a connection, and care no more. */
function begin(): void {
  connection.ready().catch(() => undefined);
}

describe('a connection', () => {
  it('notices that the other side is gone without a word', async () => {
    await opened();
    await vi.advanceTimersByTimeAsync(9_000);
    last().answer();
    await vi.advanceTimersByTimeAsync(16_000);
    expect(connection.isOpen).toBe(false);
    expect(sockets[0]?.isClosed).toBe(true);
    expect(connection.status.state).toBe('offline');
  });

  it('tells when it is back after a silence, and not after a word', async () => {
    await opened();
    last().onclose?.(undefined as never);
    begin();
    await vi.advanceTimersByTimeAsync(FIRST);
    last().open();
    expect(revived).toBe(0);
    await vi.advanceTimersByTimeAsync(15_000);
    begin();
    await vi.advanceTimersByTimeAsync(FIRST);
    last().open();
    expect(revived).toBe(1);
  });

  it('asks soon whether what is typed arrives', async () => {
    await opened();
    const open = { versions: [1], release: '', ticket: '', lineage: null };
    const listener = {
      receive: () => undefined,
      closed: () => undefined,
      lost: () => undefined
    };
    const channel = connection.open('document', open, [], listener);
    await vi.advanceTimersByTimeAsync(3_000);
    channel.send([]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(connection.isOpen).toBe(false);
  });

  it('gives up an attempt that hangs when something happened to the network', async () => {
    begin();
    connection.wake();
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3_000);
    connection.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.isClosed).toBe(true);
  });

  it('lets a server of an earlier release be silent', async () => {
    const ready = connection.ready();
    last().onopen?.(undefined as never);
    await ready;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(connection.isOpen).toBe(true);
  });

  it('probes a connection that stands when something happened to the network', async () => {
    await opened();
    connection.wake();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(connection.isOpen).toBe(false);
  });

  it('gives up what it has, or waits for, when a person wants it at once', async () => {
    await opened();
    begin();
    connection.reconnect();
    expect(sockets[0]?.isClosed).toBe(true);
    begin();
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets).toHaveLength(2);
    connection.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets).toHaveLength(3);
    last().open();
    expect(connection.isOpen).toBe(true);
  });

  it('gives up a socket that never opens, and tries another', async () => {
    begin();
    await vi.advanceTimersByTimeAsync(10_000 + FIRST);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.isClosed).toBe(true);
  });

  it('tries ever more rarely, up to a bound, and tells since when and until when', async () => {
    await opened();
    last().onclose?.(undefined as never);
    const since = Date.now();
    begin();
    const waits: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      const { status } = connection;
      expect(status).toMatchObject({ state: 'offline', since });
      waits.push(status.retryAt! - Date.now());
      await vi.advanceTimersByTimeAsync(waits.at(-1)!);
      expect(connection.status.retryAt).toBeNull();
      last().onclose?.(undefined as never);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, MOST, MOST, MOST]);
    await vi.advanceTimersByTimeAsync(MOST);
    last().open();
    expect(connection.status).toMatchObject({
      state: 'connected',
      retryAt: null
    });
  });

  it('tries at once when it is asked to', async () => {
    await opened();
    last().onclose?.(undefined as never);
    begin();
    for (let failure = 0; failure < 6; failure += 1) {
      await vi.advanceTimersByTimeAsync(MOST);
      last().onclose?.(undefined as never);
    }
    const before = sockets.length;
    connection.wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets).toHaveLength(before + 1);
    last().onclose?.(undefined as never);
    expect(connection.status.retryAt! - Date.now()).toBe(FIRST);
  });

  it('tells a server that is away from one that does not know the person any more', async () => {
    await opened();
    last().onclose?.(undefined as never);
    begin();
    await vi.advanceTimersByTimeAsync(FIRST);
    refusal = 'signed-out';
    last().onclose?.(undefined as never);
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.status.state).toBe('signed-out');
    await vi.advanceTimersByTimeAsync(MOST);
    expect(connection.status.state).toBe('signed-out');
    refusal = 'no-access';
    last().onclose?.(undefined as never);
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.status.state).toBe('no-access');
    await vi.advanceTimersByTimeAsync(MOST);
    last().open();
    expect(told.map(({ state }) => state)).toEqual(
      expect.arrayContaining(['connected', 'offline', 'signed-out'])
    );
    expect(connection.status.state).toBe('connected');
  });

  it('does nothing once it is disposed', async () => {
    begin();
    connection.dispose();
    connection.wake();
    await vi.advanceTimersByTimeAsync(100_000);
    expect(sockets).toHaveLength(1);
  });
});
