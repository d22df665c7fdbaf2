import { afterEach, describe, expect, it, vi } from 'vitest';
import { ChannelClosed, NotConnected } from '../src/errors';
import { sentence } from '../src/protocol/codes';
import {
  type Fetch,
  isElsewhere,
  Joins,
  openRoom,
  refusal,
  relay
} from '../src/rooms';

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

const NOTEBOOK = { path: 'a.ipynb', format: 'json', type: 'notebook' };
const TEXT = { path: 'a', format: 'text', type: 'file' };

describe('asking whether one is let in (6)', () => {
  it.each([
    [200, ROOM, null],
    [502, 'no page', null],
    [401, 'no page', 'signed-out'],
    [403, { message: 'Forbidden' }, 'signed-out'],
    [403, { code: 'no-access', message: 'Ask Ada.' }, 'no-access']
  ])('%i %j is %s', async (status, body, answer) => {
    expect(await refusal(answers(status, body))).toBe(answer);
  });
});

describe('opening a room (6)', () => {
  it('puts format and type to the encoded path', async () => {
    const asked: [string, RequestInit][] = [];
    const fetch: Fetch = (path, init) => {
      asked.push([path, init]);
      return answers(200, ROOM)(path, init);
    };
    const room = await openRoom(fetch, { ...NOTEBOOK, path: 'a b/ä#?.ipynb' });
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
    [403, { code: 'no-access' }, 'no-access', sentence('no-access')],
    [403, { message: 'Forbidden' }, 'unauthorized', sentence('unauthorized')],
    [404, 'no page', 'internal-error', sentence('internal-error')]
  ])('is refused with %i', async (status, body, code, reason) => {
    const opening = openRoom(answers(status, body), TEXT);
    const error = await opening.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ChannelClosed);
    expect(error).toMatchObject({ code, reason });
  });

  it('follows a file that was moved while this page was away', async () => {
    const asked: string[] = [];
    const fetch: Fetch = (path, init) => {
      asked.push(path);
      expect(JSON.parse(init.body as string)).toMatchObject({ room: 'r' });
      const isHere = path.endsWith('/b/a.ipynb');
      const gone = { code: 'not-found', path: 'b/a.ipynb' };
      const there = { ...ROOM, path: 'b/a.ipynb' };
      return answers(isHere ? 200 : 404, isHere ? there : gone)(path, init);
    };
    const known = { ...NOTEBOOK, room: 'r' };
    expect((await openRoom(fetch, known)).path).toBe('b/a.ipynb');
    expect(
      asked.map(one => one.slice('api/rtc_widgets/rooms/'.length))
    ).toEqual(['a.ipynb', 'b/a.ipynb']);
    expect(await isElsewhere(fetch, known)).toBe(true);
    expect(await isElsewhere(fetch, { ...known, path: 'b/a.ipynb' })).toBe(
      false
    );
  });

  it('ends where the file is gone, or who asks had no room', async () => {
    const moved = { code: 'not-found', path: 'b.ipynb' };
    const opening = openRoom(answers(404, moved), NOTEBOOK);
    await expect(opening).rejects.toMatchObject({ code: 'not-found' });
    const known = { ...NOTEBOOK, room: 'r' };
    const gone = openRoom(answers(404, { code: 'not-found' }), known);
    await expect(gone).rejects.toMatchObject({ code: 'not-found' });
    // Of an answer that leads in a circle no more is asked.
    const circle = answers(404, { code: 'not-found', path: 'a.ipynb' });
    await expect(openRoom(circle, known)).rejects.toMatchObject({
      code: 'not-found'
    });
  });

  it('serves both documents of the room, each once', async () => {
    let asked = 0;
    const joins = new Joins(() => {
      asked += 1;
      return openRoom(answers(200, ROOM), NOTEBOOK);
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

  it.each([405, 424, 502, 503, 504])(
    'waits after %i of a proxy',
    async status => {
      const opening = openRoom(answers(status, '<html>'), TEXT);
      await expect(opening).rejects.toThrow(NotConnected);
    }
  );

  it('waits where the server does not answer', async () => {
    const fetch: Fetch = () => Promise.reject(new TypeError('refused'));
    const opening = openRoom(fetch, TEXT);
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
    const opening = openRoom(fetch, NOTEBOOK, true);
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
    const opening = openRoom(fetch, NOTEBOOK, true);
    const refused = expect(opening).rejects.toThrow(NotConnected);
    await vi.advanceTimersByTimeAsync(8_000);
    await refused;
    expect(signals).toHaveLength(7);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });
});
