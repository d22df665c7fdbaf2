/** What a kernel tells a page of the comments on a document: plain JSON, whole at first and then what changes. Pure. */

import type { IResolution } from '../documents/anchors';
import { isRecord } from '../presence/identity';

type Table<T> = Readonly<Record<string, T>>;

/** All of it (rtc_widgets/widgets/state.py). */
export interface IState {
  /** Counts the changes. */
  readonly seq: number;
  readonly about: IAbout;
  /** As docs/schema.md has them, by id. */
  readonly threads: Table<unknown>;
  readonly places: Table<IResolution>;
  /** The ids of the threads in the order of the document. */
  readonly order: readonly string[];
  /** The numbers of cells, from 1. */
  readonly cells: Table<number>;
  readonly people: Table<Table<unknown>>;
  readonly here: Table<Table<unknown>>;
}

/** What is known of the document. */
export interface IAbout {
  readonly path: string | null;
  readonly state: string;
  /** Whether the threads are here. */
  readonly ready: boolean;
  /** Through whom a page asks. */
  readonly via: 'kernel' | 'local' | 'server';
  readonly lineage: string | null;
  readonly role: string;
  readonly me: {
    readonly user: string;
    readonly kind: 'person' | 'kernel';
    readonly name: string;
  };
}

/** What changes: tables by their keys, null for what is gone; all else as a whole. */
export type Patch = Readonly<Record<string, unknown>>;

/** Return a state with a change put over it. */
export function patched(state: IState, patch: Patch): IState {
  const next: Record<string, unknown> = { ...state };
  for (const [key, value] of Object.entries(patch)) {
    const before = next[key];
    if (isRecord(value) && isRecord(before)) {
      const entries = Object.entries({ ...before, ...value });
      const gone = new Set(
        Object.keys(value).filter(name => value[name] === null)
      );
      // What `about` says may be null, and is not gone.
      next[key] = Object.fromEntries(
        entries.filter(([name]) => key === 'about' || !gone.has(name))
      );
    } else {
      next[key] = value;
    }
  }
  return next as unknown as IState;
}
