import { expect, test } from 'vitest';
import { Directory } from '../../src/comments/directory';

/** A server that knows so many people whose names begin with what is asked. */
function server(count: (query: string) => number) {
  const asked: string[] = [];
  const request = (method: string, params: Record<string, unknown>) => {
    const query = String(params['query']);
    asked.push(`${method} ${query}`);
    const people = Array.from({ length: count(query) }, (_, index) => ({
      username: `${query}${index}`,
      name: `${query} ${index}`
    }));
    return Promise.resolve({ people: [...people, 7, { name: 'nobody' }] });
  };
  return { asked, directory: new Directory({ request }) };
}

test('each name is asked for once, and no further where all were told', async () => {
  const { asked, directory } = server(() => 2);
  expect(await directory.find('')).toBe(false);
  expect(await directory.find('a')).toBe(true);
  expect([...directory.people.keys()]).toEqual(['a0', 'a1']);
  expect(await directory.find('a')).toBe(false);
  expect(await directory.find('ad')).toBe(false);
  expect(await directory.find('b')).toBe(true);
  expect(asked).toEqual(['people.find a', 'people.find b']);
});

test('of more than are told at a time the next letter asks for others', async () => {
  const { asked, directory } = server(query => (query === 'a' ? 20 : 1));
  await directory.find('a');
  expect(await directory.find('ad')).toBe(true);
  expect(asked).toHaveLength(2);
  expect(directory.people.get('ad0')).toEqual({
    username: 'ad0',
    name: 'ad 0'
  });
});

test('where nobody answers, or nothing that is understood, it is asked again', async () => {
  const answers: unknown[] = [new Error('away'), null, { people: 'x' }];
  const request = () => {
    const answer = answers.shift();
    return answer instanceof Error
      ? Promise.reject(answer)
      : Promise.resolve(answer);
  };
  const directory = new Directory({ request });
  expect(await directory.find('a')).toBe(false);
  expect(await directory.find('a')).toBe(false);
  expect(answers).toHaveLength(1);
  expect(directory.people.size).toBe(0);
});
