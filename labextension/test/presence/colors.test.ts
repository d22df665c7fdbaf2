/** Who has which colour: as the Python side sees it, too. */

import { describe, expect, it } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { Colors, colors } from '../../src/presence/colors';
import { vectors } from '../support/vectors';

interface ICase {
  readonly name: string;
  readonly states: readonly [number, Record<string, unknown>][];
  readonly colors: readonly [number, string][];
}

describe('people are told apart by colour', () => {
  const cases = vectors<{ told_apart: ICase[] }>('colors').told_apart;
  for (const { name, states, colors: expected } of cases) {
    it(name, () => {
      const found = colors(new Map(states));
      expect([...found].sort(([a], [b]) => a - b)).toEqual(expected);
    });
  }
});

describe('the colours in a document', () => {
  it('change with who is here, and not with where they are', () => {
    const awareness = new Awareness(new Y.Doc());
    // This tab would have a colour, too: one for its number, which is drawn by lot.
    awareness.setLocalState(null);
    const red = 'var(--jp-collaborator-color1)';
    const say = (client: number, username: string, more = {}) => {
      const state = { user: { username, color: red }, ...more };
      awareness.states.set(client, state);
      const changes = { added: [], updated: [client], removed: [] };
      awareness.emit('change', [changes, 'test']);
    };
    const changed: (readonly number[])[] = [];
    const mine = Colors.of(awareness);
    mine.changed.connect((_, clients) => changed.push(clients));
    say(1, 'ben');
    say(1, 'ben', { activeCell: 'a' });
    expect(mine.get(1)).toBe(red);
    say(2, 'ada');
    expect([mine.get(1), mine.get(2)]).toEqual([
      'var(--jp-collaborator-color2)',
      red
    ]);
    expect(changed.map(clients => new Set(clients))).toEqual([
      new Set([1]),
      new Set([1, 2])
    ]);
    awareness.destroy();
  });
});
