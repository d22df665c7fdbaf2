/** What a page that is being left keeps at once: its last writing to IndexedDB may not come to an end. */

import type { IDraft } from '../documents/draft';
import { isRecord } from '../presence/identity';

const KEYS = 'rtc_widgets:draft:';
/** Characters; a browser keeps some five million for all of an origin. */
const MOST = 1_000_000;

/** Drafts in the page's `localStorage`, which is written before the call returns. */
export class Parting {
  constructor(private readonly _storage: Storage) {}

  /** Return all drafts, in no order. */
  all(): IDraft[] {
    return Object.keys(this._storage)
      .filter(key => key.startsWith(KEYS))
      .flatMap(key => decode(this._storage.getItem(key)) ?? []);
  }

  get(id: string): IDraft | undefined {
    return decode(this._storage.getItem(KEYS + id)) ?? undefined;
  }

  /** Keep a draft; of a large one the texts alone, and of too large a one nothing. */
  put(draft: IDraft): void {
    const isLarge = (draft.update?.length ?? 0) > MOST / 2;
    const text = encode(isLarge ? { ...draft, update: null } : draft);
    if (text.length > MOST) {
      this.remove(draft.id); // what it kept is older
      return;
    }
    try {
      this._storage.setItem(KEYS + draft.id, text);
    } catch {
      // The storage is full: the database has the draft soon, if the page lives so long.
    }
  }

  remove(id: string): void {
    this._storage.removeItem(KEYS + id);
  }

  /** Let go of what was written before a time, in milliseconds since the epoch. */
  purge(before: number): void {
    for (const { id, saved } of this.all()) {
      if (saved < before) {
        this.remove(id);
      }
    }
  }
}

function encode({ update, base, ...draft }: IDraft): string {
  return JSON.stringify({
    ...draft,
    update: update && toBase64(update),
    base: [...base]
  });
}

function decode(text: string | null): IDraft | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isRecord(value) && isEncoded(value)
      ? {
          ...value,
          update: value.update === null ? null : fromBase64(value.update),
          base: new Map(value.base)
        }
      : null;
  } catch {
    return null; // not by us
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), character => character.charCodeAt(0));
}

type Encoded = Omit<IDraft, 'update' | 'base'> & {
  readonly update: string | null;
  readonly base: readonly (readonly [number, number])[];
};

/** Tell whether it was written by a release that keeps drafts as this one does. */
function isEncoded(
  value: Record<string, unknown>
): value is Record<string, unknown> & Encoded {
  const { id, at, room, user, saved, lineage, update, base } = value;
  return (
    [id, at, room, user, lineage].every(one => typeof one === 'string') &&
    typeof saved === 'number' &&
    (update === null || typeof update === 'string') &&
    Array.isArray(base) &&
    base.every(
      (pair: unknown) =>
        Array.isArray(pair) && pair.every(one => typeof one === 'number')
    ) &&
    [value['texts'], value['undecided']].every(
      texts => Array.isArray(texts) && texts.every(isUnsaved)
    )
  );
}

function isUnsaved(value: unknown): boolean {
  return (
    isRecord(value) &&
    [value['id'], value['text'], value['cellType']].every(
      one => typeof one === 'string'
    ) &&
    (value['before'] === null || typeof value['before'] === 'string') &&
    typeof value['index'] === 'number'
  );
}
