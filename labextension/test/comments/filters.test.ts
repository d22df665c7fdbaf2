import { describe, expect, it } from 'vitest';
import { shown } from '../../src/comments/asked';
import { belongs, FILTERS, matches } from '../../src/comments/filters';
import type { IThread } from '../../src/comments/threads';

const author = (user: string) => ({
  user,
  kind: 'person' as const,
  name: user.toUpperCase(),
  claimed: false
});

function thread(changes: Partial<IThread> = {}, mentions: string[] = []) {
  const comment = {
    id: 'c',
    n: 0,
    by: author('ben'),
    at: 1,
    body: 'Why half?',
    mentions,
    edited: null,
    deleted: null
  };
  const made: IThread = {
    id: 't',
    number: 7,
    anchor: {},
    state: 'open',
    comments: [comment],
    happenings: [],
    deleted: null,
    ...changes
  };
  return shown(made, [], author('ada'))!;
}

function tabs(one: ReturnType<typeof thread>, orphan = false): string[] {
  const known = {
    me: 'ada',
    isMine: ({ user }: { user: string }) => user === 'ada',
    isOrphan: () => orphan
  };
  return FILTERS.filter(filter => belongs(one, filter, known));
}

describe('tabs', () => {
  it('have threads by state, by who takes part, and by place', () => {
    expect(tabs(thread())).toEqual(['open', 'all']);
    expect(tabs(thread({ state: 'resolved' }))).toEqual(['resolved', 'all']);
    expect(tabs(thread({}, ['ada']))).toEqual(['open', 'mine', 'all']);
    expect(tabs(thread(), true)).toEqual(['open', 'orphaned', 'all']);
    expect(tabs(thread({ state: 'resolved' }), true)).toEqual([
      'resolved',
      'all'
    ]);
  });
});

describe('a search', () => {
  it.each(['', 'why', 'HALF ben', '#7', 'rate'])('finds by %j', search => {
    expect(matches(thread(), 'rate = 0.5', search)).toBe(true);
  });

  it.each(['why not', '#8'])('does not find by %j', search => {
    expect(matches(thread(), 'rate = 0.5', search)).toBe(false);
  });
});
