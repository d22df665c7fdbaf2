/** Drafts: what was typed and not acknowledged, kept outside the page, in case the page does not live to send it. */

import type { IUnsaved } from './unacknowledged';
import type { Base } from './unsent';

/** What one opening of a document left. */
export interface IDraft {
  readonly id: string;
  /** The document: its server, type and path, and its room, which stays where the file is moved. */
  readonly at: string;
  readonly room: string;
  /** The person, empty for whoever has the server's token. */
  readonly user: string;
  /** When it was written, in milliseconds since the epoch. */
  readonly saved: number;
  /** The lineage to which the update belongs. */
  readonly lineage: string;
  /** All changes as an update of the CRDT; null where it would be too large. */
  readonly update: Uint8Array | null;
  readonly base: Base;
  /** The texts, for a document of another lineage. */
  readonly texts: readonly IUnsaved[];
  /** Texts that could not be merged: they wait for a person to decide. */
  readonly undecided: readonly IUnsaved[];
}

/** Keep drafts. */
export interface IDraftStore {
  /** Return the drafts of what is, or was, at a place, or is of a room, the oldest first. */
  all(at: string, room: string): Promise<IDraft[]>;
  get(id: string): Promise<IDraft | undefined>;
  /** Keep a draft; where the page is being left, it may be gone before this resolves. */
  put(draft: IDraft, isLeaving?: boolean): Promise<void>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
}

/** Keep drafts as long as the page lives. */
export class MemoryDrafts implements IDraftStore {
  all(at: string, room: string): Promise<IDraft[]> {
    const found = [...this._drafts.values()].filter(
      draft => draft.at === at || draft.room === room
    );
    return Promise.resolve(found.sort((one, two) => one.saved - two.saved));
  }

  get(id: string): Promise<IDraft | undefined> {
    return Promise.resolve(this._drafts.get(id));
  }

  put(draft: IDraft): Promise<void> {
    this._drafts.set(draft.id, draft);
    return Promise.resolve();
  }

  remove(id: string): Promise<void> {
    this._drafts.delete(id);
    return Promise.resolve();
  }

  clear(): Promise<void> {
    this._drafts.clear();
    return Promise.resolve();
  }

  private readonly _drafts = new Map<string, IDraft>();
}
