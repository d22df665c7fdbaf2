import { describe, expect, it } from 'vitest';
import { rendered, written } from '../../src/comments/carried';

const SOURCE = `# A *title*

The **half** of [the paper](https://example.org/half) is \`half\` a page.

1. first
2. Zoë's 🦉 second
`;
const TEXT = `A title¶
The half of the paper is half a page.

first
Zoë's 🦉 second
`;

function both(source: string, text: string): [string | null, string | null] {
  const at = SOURCE.indexOf(source);
  const there = rendered(SOURCE, at, at + source.length, TEXT);
  const from = TEXT.indexOf(text);
  const back = written(TEXT, from, from + text.length, SOURCE);
  return [there && TEXT.slice(...there), back && SOURCE.slice(...back)];
}

describe('what is rendered', () => {
  it('is found by its words, without the marks around them', () => {
    expect(both('**half**', 'half')).toEqual(['half', 'half']);
    expect(both('A *title*', 'A title')).toEqual(['A title', 'A *title']);
    expect(both('of [the paper]', 'of the paper')).toEqual([
      'of the paper',
      'of [the paper'
    ]);
    expect(both("first\n2. Zoë's 🦉", "first\nZoë's")).toEqual([
      "first\nZoë's",
      "first\n2. Zoë's"
    ]);
  });

  it('is the one of several that is meant', () => {
    const at = SOURCE.indexOf('`half`');
    const found = rendered(SOURCE, at, at + 6, TEXT)!;
    expect(found[0]).toBe(TEXT.indexOf('half a page'));
    expect(written(TEXT, ...found, SOURCE)![0]).toBe(at + 1);
  });

  it('is not guessed', () => {
    expect(rendered('$x$ and x', 8, 9, 'and x')).toBeNull();
    expect(rendered('a 🦉', 2, 4, 'a 🦉')).toBeNull();
    expect(written('', 0, 0, 'a')).toBeNull();
    expect(written('gone', 0, 4, 'a')).toBeNull();
  });
});
