import { describe, expect, it } from 'vitest';
import { Feed } from '../../src/widgets/feed';
import type { IModel } from '../../src/widgets/model';
import { RemoteSession } from '../../src/widgets/remote';
import type { IState } from '../../src/widgets/state';

const ADA = { user: 'ada', kind: 'person', name: 'Ada' } as const;
const KERNEL = { user: 'ada', kind: 'kernel', name: 'Kernel (Ada)' } as const;

function thread(number: number, ...bodies: string[]) {
  const comments = bodies.map((body, n) => [
    `c${number}-${n}`,
    { n, by: ADA, at: 1, body, mentions: [], edited: null, deleted: null }
  ]);
  return {
    number,
    anchor: { kind: 'document' },
    state: 'open',
    comments: Object.fromEntries(comments) as Record<string, unknown>,
    events: []
  };
}

const BEGIN: IState = {
  seq: 1,
  about: {
    path: 'a.ipynb',
    state: 'live',
    ready: true,
    via: 'kernel',
    lineage: null,
    role: 'editor',
    me: KERNEL
  },
  threads: { t1: thread(1, 'Why?') },
  places: {},
  order: ['t1'],
  cells: {},
  people: {},
  here: {}
};

/** The kernel's end of a model. */
class Kernel {
  readonly said: Record<string, unknown>[] = [];
  live = true;

  readonly model: IModel = {
    get: key => this._values[key],
    set: (key, value) => (this._values[key] = value),
    send: content => this.said.push(content as Record<string, unknown>),
    on: (event, callback) => {
      const all = this._callbacks.get(event) ?? new Set();
      this._callbacks.set(event, all.add(callback));
    },
    off: (event, callback) => this._callbacks.get(event)?.delete(callback),
    widget_manager: {
      get_model: () => {
        const { live } = this;
        return Promise.resolve({
          get comm_live() {
            return live;
          }
        });
      }
    }
  };

  tells(message: unknown): void {
    this._emit('msg:custom', message);
  }

  private _emit(event: string, ...args: unknown[]): void {
    this._callbacks.get(event)?.forEach(one => one(...(args as never[])));
  }

  private readonly _values: Record<string, unknown> = {
    _state: BEGIN,
    _id: 'w',
    _in: '',
    filter: 'open'
  };
  private readonly _callbacks = new Map<
    string,
    Set<(...args: never[]) => void>
  >();
}

function opened(live = true) {
  const kernel = new Kernel();
  kernel.live = live;
  const feed = new Feed(kernel.model);
  const session = new RemoteSession(feed);
  const said = () =>
    session.discussion.threads.map(({ comments }) =>
      comments.map(({ body, isPending }) => body + (isPending ? ' …' : ''))
    );
  return { kernel, feed, session, said };
}

describe('comments as a kernel tells them', () => {
  it('are there at once, and follow', () => {
    const { kernel, session, said } = opened();
    expect(said()).toEqual([['Why?']]);
    const changed: (string[] | null)[] = [];
    session.discussion.changed.connect((_, ids) =>
      changed.push(ids && [...ids])
    );
    kernel.tells({
      patch: {
        seq: 2,
        threads: { t1: null, t2: thread(2, 'How?') },
        order: ['t2']
      }
    });
    expect(said()).toEqual([['How?']]);
    expect(changed).toEqual([['t1', 't2']]);
    expect(session.places.ordered.map(({ number }) => number)).toEqual([2]);
  });

  it('are asked for as a whole where one message got lost', () => {
    const { kernel, said } = opened();
    const late = { patch: { seq: 3, threads: { t1: thread(1, 'Why not?') } } };
    kernel.tells(late);
    expect(kernel.said).toEqual([{ all: true }]);
    expect(said()).toEqual([['Why?']]);
    kernel.tells({
      state: { ...BEGIN, seq: 3, threads: { t1: thread(1, 'Why not?') } }
    });
    // What comes twice changes nothing.
    kernel.tells(late);
    expect(said()).toEqual([['Why not?']]);
    expect(kernel.said).toHaveLength(1);
  });

  it('are written by whom the kernel is, and shown until it has answered', async () => {
    const { kernel, session, said } = opened();
    session.discussion.reply('t1', 'Because.', []);
    expect(said()).toEqual([['Why?', 'Because. …']]);
    const [{ method, params, number, view }] = kernel.said as [
      Record<string, Record<string, string>>
    ];
    expect(method).toBe('comments.add');
    const answered = thread(1, 'Why?');
    answered.comments[params!['comment']!] = {
      n: 1,
      by: KERNEL,
      at: 2,
      body: 'Because.'
    };
    kernel.tells({ patch: { seq: 2, threads: { t1: answered } } });
    kernel.tells({ answer: number, view, result: { thread: 't1' } });
    await Promise.resolve();
    expect(said()).toEqual([['Why?', 'Because.']]);
    const [first, second] = session.discussion.threads[0]!.comments;
    expect(session.discussion.isMine(first!.by)).toBe(false);
    expect(session.discussion.isMine(second!.by)).toBe(true);
    expect(session.lookOf(second!.by)).toMatchObject({ isKernel: true });
  });

  it('that are refused say why; what another page asked is not ours', async () => {
    const { kernel, session } = opened();
    session.discussion.resolve('t1');
    const [{ number, view }] = kernel.said as [Record<string, unknown>];
    kernel.tells({ answer: number, view: 'another', result: {} });
    kernel.tells({ answer: number, view, code: 'read-only', reason: 'No.' });
    await new Promise(resolve => setTimeout(resolve));
    const [refused] = session.discussion.thread('t1')!.refused;
    expect(refused!.refused).toBe('No.');
  });

  it('may mention whom only the server knows', async () => {
    const { kernel, session } = opened();
    const users = () => session.people.map(({ user }) => user);
    expect(users()).toEqual([]);
    const found = session.findPeople('zo');
    const [{ method, params, number, view }] = kernel.said as [
      Record<string, unknown>
    ];
    expect([method, params]).toEqual(['people.find', { query: 'zo' }]);
    const people = [{ username: 'zoe', display_name: 'Zoë Ochoa' }];
    kernel.tells({ answer: number, view, result: { people } });
    expect(await found).toBe(true);
    expect(users()).toEqual(['zoe']);
    expect(session.people[0]).toMatchObject({
      name: 'Zoë Ochoa',
      isHere: false
    });
  });

  it('can be read and not written where no kernel is', async () => {
    const { feed, session, said } = opened(false);
    await new Promise(resolve => setTimeout(resolve));
    expect(feed.standing).toBe('never');
    expect(session.discussion.mayComment).toBe(false);
    expect(said()).toEqual([['Why?']]);
  });
});

describe('what a person chooses', () => {
  it('is told, and is known here', () => {
    const { kernel, feed } = opened();
    feed.choose('filter', 'mine');
    feed.choose('filter', 'mine');
    expect(kernel.said).toEqual([{ set: { filter: 'mine' } }]);
    expect(kernel.model.get('filter')).toBe('mine');
  });
});
