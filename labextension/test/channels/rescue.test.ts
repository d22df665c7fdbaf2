/** Requests that a network swallowed are made again, once and by themselves. */

import { describe, expect, it } from 'vitest';
import { type FetchRequest, Rescue } from '../../src/channels/rescue';

interface IAsked {
  readonly method: string;
  readonly answer: (text: string) => void;
  readonly isGivenUp: () => boolean;
}

/** A network that answers when the test says so. */
function network(): { asked: IAsked[]; fetch: FetchRequest } {
  const asked: IAsked[] = [];
  const fetch: FetchRequest = (input, init) =>
    new Promise((resolve, reject) => {
      const signal = init?.signal ?? (input as Request).signal;
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      asked.push({
        method: (input as Request).method,
        answer: text => resolve(new Response(text)),
        isGivenUp: () => signal.aborted
      });
    });
  return { asked, fetch };
}

const URL = 'http://localhost/api/kernels';

describe('requests that were swallowed', () => {
  it('are made again, and nobody who waits notices', async () => {
    const { asked, fetch } = network();
    const rescue = new Rescue(fetch);
    const answer = rescue.fetch(URL);
    rescue.again();
    await expect.poll(() => asked).toHaveLength(2);
    expect(asked.map(one => one.isGivenUp())).toEqual([true, false]);
    asked[1]!.answer('here');
    expect(await (await answer).text()).toBe('here');
    rescue.again();
    expect(asked).toHaveLength(2);
  });

  it('are not made again where that would do something twice', async () => {
    const { asked, fetch } = network();
    const rescue = new Rescue(fetch);
    const answer = rescue.fetch(URL, { method: 'POST', body: '{}' });
    rescue.again();
    asked[0]!.answer('done');
    expect(await (await answer).text()).toBe('done');
    expect(asked).toHaveLength(1);
  });

  it('fail where they fail by themselves, or are given up by who asked', async () => {
    const { asked, fetch } = network();
    const rescue = new Rescue(fetch);
    const giveUp = new AbortController();
    const answer = rescue.fetch(URL, { signal: giveUp.signal });
    giveUp.abort();
    await expect(answer).rejects.toThrow('aborted');
    expect(asked).toHaveLength(1);
    const refused = new Rescue(() => Promise.reject(new TypeError('refused')));
    await expect(refused.fetch(URL)).rejects.toThrow('refused');
  });
});
