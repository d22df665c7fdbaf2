/** How a document stands, from facts and the time, and what is said of it. */

import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import { type IFacts, stand } from '../../src/standing/standing';
import { lasting, say, sayNot } from '../../src/standing/words';

const NOW = 1_000_000;
const trans = nullTranslator.load('rtc_widgets');

const LIVE: IFacts = {
  state: 'synced',
  since: 0,
  role: 'editor',
  isOnline: true,
  isSignedOut: false,
  isBarred: false,
  closed: null,
  pending: 0,
  pendingSince: null,
  hasText: false,
  dirtySince: null,
  notice: null,
  invalid: null,
  people: 1,
  kernel: null
};

function said(facts: Partial<IFacts>, now = NOW) {
  const all = { ...LIVE, ...facts };
  return say(all, stand(all, now), trans);
}

/** What is not acknowledged since so many seconds. */
function pending(seconds: number, count = 3): Partial<IFacts> {
  return {
    pending: count,
    pendingSince: NOW - seconds * 1000,
    hasText: true
  };
}

describe('a document', () => {
  it.each([
    [{}, 'Live', 'good', []],
    [{ role: 'viewer' }, 'Read-only', 'none', ['download']],
    [{ state: 'connecting', role: null }, 'Connecting…', 'busy', ['reconnect']],
    [
      { state: 'offline', since: NOW - 9_000 },
      'Reconnecting…',
      'busy',
      ['reconnect']
    ],
    [
      { state: 'offline', since: NOW - 11_000 },
      'Offline',
      'warning',
      ['reconnect']
    ],
    [
      { state: 'offline', since: NOW, isSignedOut: true },
      'Signed out',
      'error',
      ['sign-in', 'reconnect']
    ],
    [
      { state: 'offline', since: NOW, isBarred: true },
      'No access',
      'error',
      ['reconnect']
    ],
    [
      { state: 'offline', since: NOW, isOnline: false },
      'Offline',
      'warning',
      ['reconnect']
    ]
  ] as [Partial<IFacts>, string, string, string[]][])(
    '%j is %s',
    (facts, title, level, cures) => {
      expect(said(facts)).toMatchObject({ title, level, cures, delay: '' });
    }
  );

  it.each([
    ['unauthorized', 'reload'],
    ['version-mismatch', 'reload'],
    ['not-found', 'open-again'],
    ['gone', 'open-again']
  ])('closed with %s offers %s', (code, cure) => {
    const closed = { code, reason: 'It is so.' };
    expect(said({ state: 'closed', closed })).toMatchObject({
      title: `Closed [${code}]`,
      level: 'error',
      sentences: ['It is so.'],
      cures: [cure]
    });
    const withText = { state: 'closed', closed, hasText: true } as const;
    expect(said(withText).cures).toEqual([cure, 'copy-text']);
  });
});

describe('what is not at the server', () => {
  it('is kept for somebody who may not open the document any more', () => {
    const barred = { state: 'offline', isBarred: true } as const;
    const { sentences, cures } = said({ ...barred, ...pending(1) });
    expect(sentences.join(' ')).toMatch(/Ask its owner.*is kept here/);
    expect(cures).toEqual(['reconnect', 'copy-text']);
  });

  it('is told where the connection works and it takes too long', () => {
    expect(said(pending(4)).delay).toBe('');
    const late = said(pending(130));
    expect(late.delay).toBe('3 changes not at the server for 2 min');
    expect(late.level).toBe('warning');
    expect(late.cures).toEqual(['reconnect', 'copy-text']);
    expect(said(pending(6, 1)).delay).toBe(
      '1 change not at the server for 5 s'
    );
  });

  it('is told at once where there is no connection', () => {
    const away = { state: 'offline', since: NOW - 1000 } as const;
    const late = said({ ...away, ...pending(1) });
    expect(late.title).toBe('Reconnecting…');
    expect(late.delay).toBe('3 changes not at the server');
  });

  it('is nothing for a viewer, whose own outputs nobody gets', () => {
    expect(said({ role: 'viewer', ...pending(99) }).delay).toBe('');
  });
});

describe('what is not saved', () => {
  it('is told where it takes longer than a save does', () => {
    expect(said({ dirtySince: NOW - 14_000 }).delay).toBe('');
    const late = said({ dirtySince: NOW - 40_000 });
    expect(late).toMatchObject({ delay: 'unsaved for 40 s', cures: ['save'] });
  });

  it('counts from when there was a connection', () => {
    const back = { dirtySince: NOW - 40_000, since: NOW - 5_000 };
    expect(said(back).delay).toBe('');
  });

  it('is told at once with what the server said', () => {
    const notice = { code: 'save-failed', message: 'The disk is full.' };
    const late = said({ dirtySince: NOW - 1000, notice });
    expect(late.level).toBe('warning');
    expect(late.cures).toEqual(['save']);
    expect(late.sentences).toContain('The disk is full. [save-failed]');
  });
});

describe('the next look', () => {
  it.each([
    [{}, Infinity],
    [{ state: 'offline', since: NOW - 4000 }, NOW + 6000],
    [{ state: 'offline', since: NOW - 40_000 }, Infinity],
    [pending(0), NOW + 5000],
    [pending(7), NOW + 3000],
    [pending(130), NOW + 50_000],
    [{ dirtySince: NOW - 5000 }, NOW + 10_000]
  ] as [Partial<IFacts>, number][])('of %j is at %d', (facts, until) => {
    expect(stand({ ...LIVE, ...facts }, NOW).until).toBe(until);
  });

  it('changes what is told', () => {
    const facts = { ...LIVE, ...pending(7) };
    const { until } = stand(facts, NOW);
    expect(stand(facts, until - 1).unsent?.seconds).toBe(5);
    expect(stand(facts, until).unsent?.seconds).toBe(10);
  });
});

describe('a document that is not shared', () => {
  it.each([
    ['off', '', 'settings'],
    ['other', 'jupyter-collaboration', undefined],
    ['absent', '', 'reload'],
    ['too-large', 'The file is too large.', undefined]
  ])('says why: %s', (code, detail, cure) => {
    const { title, sentences, cures } = sayNot({ code, detail }, trans);
    expect(title).toBe('Not shared');
    expect(sentences[0]).toContain(detail);
    expect(cures[0]).toBe(cure);
  });
});

it('says durations shortly', () => {
  const words = [5, 59, 60, 3599, 7200].map(one => lasting(one, trans));
  expect(words).toEqual(['5 s', '59 s', '1 min', '59 min', '2 h']);
});

it("says why a notebook's text is none, once that lasts", () => {
  const problem = { line: 12, column: 3, message: 'Expecting value.' };
  const typed = (ago: number) => ({ invalid: { problem, since: NOW - ago } });
  expect(said(typed(100))).toMatchObject({ level: 'good', delay: '' });
  expect(said(typed(1000))).toMatchObject({
    level: 'warning',
    title: 'Live',
    delay: 'not a notebook: line 12',
    cures: []
  });
  expect(said(typed(1000)).sentences.join(' ')).toContain(
    'Line 12, column 3: Expecting value.'
  );
  const reader = said({ ...typed(1000), role: 'viewer' });
  expect(reader).toMatchObject({ title: 'Read-only', cures: ['download'] });
  expect(reader.sentences).toHaveLength(3);
  expect(said({ ...typed(1000), state: 'offline' }).delay).toBe('');
});
