import { afterEach, describe, expect, it, vi } from 'vitest';
import { ChannelClosed, NotConnected } from '../src/errors';
import { sentence } from '../src/protocol/codes';
import { type Fetch, Joins, openRoom, relay } from '../src/rooms';

function answers(status: number, body: unknown): Fetch {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return () => Promise.resolve(new Response(text, { status }));
}

const ROOM = {
  room: 'r',
  path: 'a.ipynb',
  lineage: 'l',
  ticket: 't',
  release: '0.1.0',
  documents: {
    content: { comm_id: 'r.content' },
    annotations: { comm_id: 'r.annotations' }
  }
};

describe('opening a room (6)', () => {
  it('puts format and type to the encoded path', async () => {
    const asked: [string, RequestInit][] = [];
    const fetch: Fetch = (path, init) => {
      asked.push([path, init]);
      return answers(200, ROOM)(path, init);
    };
    const room = await openRoom(fetch, 'a b/ä#?.ipynb', 'json', 'notebook');
    expect(room.commId).toBe('r.content');
    expect(asked).toMatchObject([
      [
        'api/rtc_widgets/rooms/a%20b/%C3%A4%23%3F.ipynb',
        { method: 'PUT', body: '{"format":"json","type":"notebook"}' }
      ]
    ]);
  });

  it.each([
    [422, { code: 'unreadable', message: 'Broken.' }, 'unreadable', 'Broken.'],
    [409, { code: 'conflict' }, 'conflict', sentence('conflict')],
    [403, { message: 'Forbidden' }, 'unauthorized', sentence('unauthorized')],
    [404, 'no page', 'internal-error', sentence('internal-error')]
  ])('is refused with %i', async (status, body, code, reason) => {
    const opening = openRoom(answers(status, body), 'a', 'text', 'file');
    const error = await opening.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ChannelClosed);
    expect(error).toMatchObject({ code, reason });
  });

  it('serves both documents of the room, each once', async () => {
    let asked = 0;
    const joins = new Joins(() => {
      asked += 1;
      return openRoom(answers(200, ROOM), 'a.ipynb', 'json', 'notebook');
    });
    await joins.content();
    const { commId, lineage, ticket } = await joins.annotations();
    expect([commId, lineage, ticket, asked]).toEqual([
      'r.annotations',
      'r',
      't',
      1
    ]);
    // A second opening of it alone needs a ticket of its own.
    await joins.annotations();
    expect(asked).toBe(2);
  });

  it.each([502, 503, 504])('waits after %i of a proxy', async status => {
    const opening = openRoom(answers(status, '<html>'), 'a', 'text', 'file');
    await expect(opening).rejects.toThrow(NotConnected);
  });

  it('waits where the server does not answer', async () => {
    const fetch: Fetch = () => Promise.reject(new TypeError('refused'));
    const opening = openRoom(fetch, 'a', 'text', 'file');
    await expect(opening).rejects.toThrow(NotConnected);
  });
});

describe('asking for the relay', () => {
  it('reads who provides documents', async () => {
    const body = { release: '0.1.0', versions: [1], provider: 'other' };
    const other = 'jupyter-collaboration';
    expect(await relay(answers(200, { ...body, other }))).toEqual({
      release: '0.1.0',
      provider: 'other',
      other
    });
  });
  it('is null where the server extension is missing', async () => {
    expect(await relay(answers(404, ''))).toBeNull();
    expect(await relay(answers(200, '<html>'))).toBeNull();
  });
});

describe('opening a room again', () => {
  afterEach(() => vi.useRealTimers());

  /** A browser whose first requests go over connections that are dead. */
  function dead(count: number): { signals: AbortSignal[]; fetch: Fetch } {
    const signals: AbortSignal[] = [];
    const fetch: Fetch = (path, init) => {
      signals.push(init.signal!);
      return signals.length > count
        ? answers(200, ROOM)(path, init)
        : new Promise((_, reject) => {
            init.signal!.addEventListener('abort', () =>
              reject(new TypeError('aborted'))
            );
          });
    };
    return { signals, fetch };
  }

  it('gets past the connections that are dead, and gives them up', async () => {
    vi.useFakeTimers();
    const { signals, fetch } = dead(6);
    const opening = openRoom(fetch, 'a', 'json', 'notebook', true);
    await vi.advanceTimersByTimeAsync(6_000);
    expect((await opening).room).toBe('r');
    expect(signals.map(({ aborted }) => aborted)).toEqual([
      ...Array<boolean>(6).fill(true),
      false
    ]);
  });

  it('gives up where nothing is answered', async () => {
    vi.useFakeTimers();
    const { signals, fetch } = dead(99);
    const opening = openRoom(fetch, 'a', 'json', 'notebook', true);
    const refused = expect(opening).rejects.toThrow(NotConnected);
    await vi.advanceTimersByTimeAsync(8_000);
    await refused;
    expect(signals).toHaveLength(7);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });
});
