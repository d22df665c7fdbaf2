/** Who is here: one participant for a person with several tabs, one for each kernel, and where they are. */

import { describe, expect, it } from 'vitest';
import { identify, initials } from '../../src/presence/identity';
import { nextExpiry, people, type State } from '../../src/presence/people';

const NOW = 1000;

function tab(username: string, state: State = {}): State {
  return { user: { username, name: username.toUpperCase() }, ...state };
}

function kernel(state: State = {}): State {
  return { ...tab('kernel', state), kind: 'kernel' };
}

function here(states: State[], me = 0, lately: number[] = []) {
  return people(new Map(states.entries()), me, NOW, lately);
}

describe('people', () => {
  it('are shown once with all their tabs, kernels at the end', () => {
    const found = here([
      tab('me'),
      kernel(),
      tab('ada', { activeCell: 'a' }),
      kernel(),
      tab('ben'),
      tab('ada', { activeCell: 'b' })
    ]);
    expect(found.map(({ key, clients }) => [key, clients])).toEqual([
      ['ada', [2, 5]],
      ['ben', [4]],
      ['kernel-1', [1]],
      ['kernel-3', [3]]
    ]);
  });

  it('are where they were last', () => {
    const states = [
      tab('me'),
      tab('ada', { activeCell: 'a' }),
      tab('ada', { activeCell: 'b' })
    ];
    const cells = (lately: number[]) =>
      here(states, 0, lately)[0]!.places.map(({ cell }) => cell);
    expect(cells([1, 2])).toEqual(['a', 'b']);
    expect(cells([2, 1])).toEqual(['b', 'a']);
  });

  it('are not this tab, but this person in another', () => {
    const found = here([tab('me'), tab('me', { activeCell: 'a' })]);
    expect(found.map(({ isMe, clients }) => [isMe, clients])).toEqual([
      [true, [1]]
    ]);
  });

  it('point to cells until that is over', () => {
    const pointer = { cell: 'a', text: 'look', until: NOW + 5 };
    const states = [tab('me'), kernel({ pointer, cell: 'b', status: 'busy' })];
    expect(here(states)[0]).toMatchObject({
      status: 'busy',
      places: [
        { cell: 'a', kind: 'pointing', text: 'look' },
        { cell: 'b', kind: 'running', text: '' }
      ]
    });
    const all = new Map(states.entries());
    expect(nextExpiry(all, NOW)).toBe(NOW + 5);
    expect(nextExpiry(all, NOW + 5)).toBe(Infinity);
    expect(people(all, 0, NOW + 5)[0]!.places).toHaveLength(1);
  });

  it.each([
    {},
    { user: null },
    { user: 'text' },
    { user: { name: 7, initials: {}, color: 3 }, activeCell: 5, status: [] },
    { user: {}, pointer: { cell: 1, until: 'x' }, cursors: 'none' }
  ])('who say nonsense are anonymous: %j', state => {
    const [who] = here([tab('me'), state]);
    expect(who).toMatchObject({ name: 'Anonymous', places: [], status: '' });
    expect(who!.color).toMatch(/^var\(--jp-collaborator-color[1-7]\)$/);
  });
});

describe('identity', () => {
  it.each([
    ['Ada Lovelace', 'AL'],
    ['Zoë', 'Z'],
    ['maria del mar', 'MM'],
    ['🦉 owl', '🦉O']
  ])('takes the initials of %s', (name, letters) => {
    expect(initials(name)).toBe(letters);
  });

  it('takes a picture only from a safe address', () => {
    const user = { name: 'Ada Lovelace' };
    for (const [said, taken] of [
      ['https://example.org/a.png', true],
      ['data:image/png;base64,AA==', true],
      ['/files/a.png', true],
      ['//example.org/a.png', false],
      ['http://example.org/a.png', false],
      ['javascript:alert(1)', false],
      ['data:text/html,<b>', false]
    ] as const) {
      const { picture } = identify(1, { user: { ...user, avatar_url: said } });
      expect(picture).toBe(taken ? said : '');
    }
  });

  it('takes two letters over one', () => {
    const user = { name: 'Ada Lovelace', initials: 'A' };
    expect(identify(1, { user }).initials).toBe('AL');
    expect(identify(1, { user: { ...user, initials: 'XY' } }).initials).toBe(
      'XY'
    );
  });
});
