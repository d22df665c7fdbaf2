import { describe, expect, it } from 'vitest';
import {
  mentionsAt,
  mentionsIn,
  queryAt,
  suggest
} from '../../src/comments/mentions';
import { vectors } from '../support/vectors';

const who = (user: string, name: string, isHere = false) => ({
  user,
  name,
  isHere,
  color: 'red',
  initials: '',
  picture: ''
});

describe('what is typed behind an @', () => {
  it.each([
    ['@', { from: 0, text: '' }],
    ['ask @lov', { from: 4, text: 'lov' }],
    ['ask @Ada Lov', { from: 4, text: 'Ada Lov' }],
    ['(@a', { from: 1, text: 'a' }]
  ])('is a name in %j', (text, found) => {
    expect(queryAt(text, text.length)).toEqual(found);
  });

  it.each(['', 'ada', 'ada@example', '@ x', '@ada  ', `@${'x'.repeat(50)}`])(
    'is none in %j',
    text => {
      expect(queryAt(text, text.length)).toBeNull();
    }
  );
});

describe('suggestions', () => {
  it('have who is here and whose name begins so in front, whatever the accents', () => {
    const people = [
      who('u1', 'Ben Zola'),
      who('u2', 'Zoë'),
      who('u3', 'Zora', true),
      who('u4', 'Ada')
    ];
    const names = (query: string) =>
      suggest(people, query).map(({ name }) => name);
    expect(names('zo')).toEqual(['Zora', 'Zoë', 'Ben Zola']);
    expect(names('zoe')).toEqual(['Zoë']);
    expect(names('u4')).toEqual(['Ada']);
    expect(names('nobody')).toEqual([]);
  });
});

interface IVectors {
  people: Record<string, string[]>;
  cases: { name: string; body: string; mentions: string[] }[];
}

describe('mentions', () => {
  const { people: known, cases } = vectors<IVectors>('mentions');
  const everybody = Object.entries(known).flatMap(([user, names]) =>
    (names.length ? names : ['']).map(name => who(user, name))
  );

  it.each(cases)('as Python has them: $name', ({ body, mentions }) => {
    expect(mentionsIn(body, everybody)).toEqual(mentions);
  });
  const people = [who('ann', 'Ann'), who('lee', 'Ann Lee'), who('no', '')];

  it('are the longest names that stand there whole', () => {
    const found = (text: string) => mentionsIn(text, people);
    expect(found('@Ann, and @Ann Lee!')).toEqual(['ann', 'lee']);
    expect(found('@lee: as in code')).toEqual(['lee']);
    expect(found('@Annie and mail@Ann')).toEqual([]);
    expect(mentionsAt('hi @Ann', people)).toEqual([
      { user: 'ann', from: 3, to: 7 }
    ]);
  });
});
