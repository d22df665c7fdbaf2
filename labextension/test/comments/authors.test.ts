import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import { called, lookOf } from '../../src/comments/authors';
import type { IAuthor } from '../../src/comments/threads';

const trans = nullTranslator.load('');
const ADA: IAuthor = {
  user: 'ada',
  kind: 'person',
  name: 'Ada',
  claimed: false
};
const KNOWN = {
  people: new Map([
    ['ada', { display_name: 'Ada L.', color: 'green', avatar_url: '/ada.png' }]
  ]),
  me: { username: 'ben', display_name: 'Ben', color: 'blue' },
  here: []
};

describe('an author', () => {
  it('looks as the server has it, whatever somebody here says of themselves', () => {
    const eve = {
      username: 'ada',
      name: 'The Boss',
      initials: 'TB',
      color: 'red',
      picture: '/boss.png',
      isKernel: false
    };
    expect(lookOf(ADA, { ...KNOWN, here: [eve] })).toMatchObject({
      username: 'ada',
      name: 'Ada L.',
      picture: '/ada.png',
      color: 'red'
    });
    expect(lookOf(ADA, KNOWN)).toMatchObject({ color: 'green' });
    expect(lookOf({ ...ADA, user: 'ben' }, KNOWN).name).toBe('Ben');
    const unknown = { ...ADA, user: 'cyd', name: 'Cyd' };
    expect(lookOf(unknown, KNOWN)).toMatchObject({ name: 'Cyd', picture: '' });
  });

  it('whom only a file names has nobody’s face, and is called so', () => {
    const claimed = { ...ADA, claimed: true };
    expect(lookOf(claimed, KNOWN)).toMatchObject({ name: 'Ada', picture: '' });
    expect(called(claimed, trans)).toBe('Ada, says the file');
    expect(called(ADA, trans, 'Ada L.')).toBe('Ada L.');
    expect(called({ ...ADA, kind: 'kernel' }, trans)).toBe('Ada (kernel)');
  });
});
