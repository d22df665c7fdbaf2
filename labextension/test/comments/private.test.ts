import { Signal } from '@lumino/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Discussion } from '../../src/comments/discussion';
import { halfWrittenAt } from '../../src/comments/kept';
import { Private } from '../../src/comments/private';
import type { IThread } from '../../src/comments/threads';
import { NotConnected } from '../../src/errors';
import type { IEvent } from '../../src/protocol/event';
import type { State } from '../../src/standing';
import { FakeStorage } from '../support/storage';
import { until } from '../support/until';

/** A relay that keeps what is private. */
class Keeper {
  state: State = 'synced';
  readonly stateChanged = new Signal<this, State>(this);
  readonly eventReceived = new Signal<this, IEvent>(this);
  readonly read: Record<string, number> = {};
  readonly drafts: Record<string, string> = {};

  request = (method: string, params: Record<string, unknown>) => {
    if (this.state !== 'synced') {
      return Promise.reject(new NotConnected('away'));
    }
    if (method === 'private.read') {
      Object.assign(this.read, params.threads);
    } else if (method === 'private.draft') {
      const { key, text } = params as { key: string; text: string | null };
      delete this.drafts[key];
      Object.assign(this.drafts, text === null ? {} : { [key]: text });
    }
    const { read, drafts } = this;
    return Promise.resolve({ read: { ...read }, drafts: { ...drafts } });
  };

  be(state: State): void {
    this.state = state;
    this.stateChanged.emit(state);
  }
}

function thread(id: string, ...by: string[]): IThread {
  const comments = by.map((user, n) => ({ n, by: { user }, deleted: null }));
  return { id, comments } as unknown as IThread;
}

function discussion(threads: IThread[]): Discussion {
  const changed = new Signal<object, null>({});
  const isMine = ({ user }: { user: string }) => user === 'ada';
  return { threads, changed, isReady: true, isMine } as unknown as Discussion;
}

const storage = new FakeStorage();

/** Return where a browser keeps what somebody has half written about one document. */
function at(who: string, room = 'r') {
  const whose = { who, room, at: 'notebook:a.ipynb' };
  return halfWrittenAt(storage, () => whose, Promise.resolve());
}

beforeEach(() => storage.clear());

describe('what is read', () => {
  it('is all that was there when one came for the first time; later there is news', async () => {
    const keeper = new Keeper();
    const threads = [thread('old', 'ben')];
    const first = new Private(keeper, discussion(threads), at('ada'));
    await until(() => keeper.read['old'] === 1);
    expect(first.unread).toBe(0);
    threads[0] = thread('old', 'ben', 'ben');
    threads.push(thread('mine', 'ada'), thread('new', 'ben'));
    const later = new Private(keeper, discussion(threads), at('ada'));
    await until(() => later.unread > 0);
    expect(threads.map(one => later.isUnread(one))).toEqual([
      true,
      false,
      true
    ]);
    later.read(threads[2]!);
    expect(later.unread).toBe(1);
    await until(() => keeper.read['new'] === 1);
    // Read in another tab.
    const params = { read: { old: 2 }, drafts: {} };
    keeper.eventReceived.emit({ kind: 'event', name: 'private', params });
    expect(later.unread).toBe(0);
  });
});

describe('a draft', () => {
  it('is kept, also when it was written without a connection, and forgotten when it is empty', async () => {
    const keeper = new Keeper();
    const mine = new Private(keeper, discussion([]), at('ada'));
    keeper.be('offline');
    mine.keep('t', 'half');
    expect(mine.draft('t')).toBe('half');
    keeper.be('synced');
    await until(() => keeper.drafts['t'] === 'half');
    const other = new Private(keeper, discussion([]), at('ada'));
    await until(() => other.draft('t') === 'half');
    mine.keep('t', '');
    await until(() => !('t' in keeper.drafts));
    expect(mine.draft('t')).toBe('');
  });

  it('is sent by the next page where this one could not any more', async () => {
    const keeper = new Keeper();
    keeper.drafts['sent'] = 'what was sent then';
    const mine = new Private(keeper, discussion([]), at('ada'));
    await until(() => mine.draft('sent') !== '');
    keeper.be('offline');
    mine.keep('t', 'half');
    mine.keep('sent', '');
    // The page is closed.
    mine.flush();
    const next = new Keeper();
    Object.assign(next.drafts, keeper.drafts);
    const others = [at('ben'), at('ada', 's')].map(
      kept => new Private(next, discussion([]), kept)
    );
    const later = new Private(next, discussion([]), at('ada'));
    await until(() => later.draft('t') === 'half');
    await until(() => next.drafts['t'] === 'half' && !('sent' in next.drafts));
    await until(() => storage.length === 0);
    expect(later.draft('sent')).toBe('');
    await until(() => others.every(one => one.draft('sent') !== ''));
    expect(others.map(one => one.draft('t'))).toEqual(['', '']);
  });
});
