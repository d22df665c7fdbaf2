/** The vectors that the Python and the TypeScript suites both sit: tests/vectors/*.json. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Read one file of vectors; a missing one fails the test that needs it. */
export function vectors<T>(stem: string): T {
  const url = new URL(`../../../tests/vectors/${stem}.json`, import.meta.url);
  return JSON.parse(readFileSync(fileURLToPath(url), 'utf8')) as T;
}

export function hex(data: Uint8Array): string {
  return Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('');
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], pair => parseInt(pair, 16));
}

/** A frame that must not parse. */
export interface IInvalid {
  name: string;
  hex: string;
}
