/** Copies of shared types as they were, also of deleted ones, for as long as Yjs has their content. */

import * as Y from 'yjs';
import { read, type Was } from './text_step';

/** Makes a new value equal to what was copied; a shared type can be put into a document once. */
export type Snapshot = () => unknown;

/** Copy a cell, or whatever a document holds. */
export function snapshot(value: unknown, was: Was): Snapshot {
  if (value instanceof Y.Map) {
    const entries = new Map<string, Snapshot>();
    value._map.forEach((item, key) => {
      const found = was(item) ? last(item) : undefined;
      if (found !== undefined) {
        entries.set(key, snapshot(found, was));
      }
    });
    return () => {
      const map = new Y.Map();
      entries.forEach((make, key) => map.set(key, make()));
      return map;
    };
  }
  if (value instanceof Y.Text) {
    const text = read(value, was);
    return () => new Y.Text(text);
  }
  if (value instanceof Y.Array) {
    const elements: (() => never)[] = [];
    for (let item = value._start; item; item = item.right) {
      if (item.countable && was(item)) {
        const content: unknown[] = item.content.getContent();
        elements.push(...content.map(one => snapshot(one, was) as () => never));
      }
    }
    return () => Y.Array.from<never>(elements.map(make => make()));
  }
  return () => value;
}

/** Return what a key of a map held. */
export function valueOf(map: Y.Map<unknown>, key: string, was: Was): unknown {
  const item = map._map.get(key);
  return item && was(item) ? last(item) : undefined;
}

function last(item: Y.Item): unknown {
  return item.content.getContent().at(-1);
}
