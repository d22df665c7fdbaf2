import { describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { Positions } from '../../src/documents/anchor_places';

/** Return numbers below a limit, the same ones each time. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return limit => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * limit);
  };
}

describe('Positions in one text', () => {
  it('are where Yjs finds them, whatever was typed and deleted by whom', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const next = numbers(seed);
      const docs = [new Y.Doc(), new Y.Doc()];
      const made: ReturnType<Positions['make']>[] = [];
      for (let step = 0; step < 60; step++) {
        const text = docs[next(2)]!.getText('source');
        const at = next(text.length + 1);
        if (next(3) && text.length) {
          text.delete(Math.min(at, text.length - 1), 1);
        }
        text.insert(
          Math.min(at, text.length),
          ['ab', 'ć', '=\n', 'wxyz'][next(4)]!
        );
        if (next(4)) {
          for (const assoc of [0, -1] as const) {
            made.push(new Positions(text).make(next(text.length + 1), assoc));
          }
        }
        if (!next(5)) {
          const [one, other] = docs as [Y.Doc, Y.Doc];
          Y.applyUpdate(one, Y.encodeStateAsUpdate(other));
          Y.applyUpdate(other, Y.encodeStateAsUpdate(one));
        }
      }
      for (const doc of docs) {
        const text = doc.getText('source');
        const positions = new Positions(text);
        for (const position of made) {
          const found = Y.createAbsolutePositionFromRelativePosition(
            Y.createRelativePositionFromJSON(position),
            doc,
            false
          );
          expect(positions.find(position)).toBe(found?.index ?? null);
        }
      }
    }
  });
});
