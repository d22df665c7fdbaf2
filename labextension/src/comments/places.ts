/** Where the threads of a document are: resolved once a change, a moment after the last key. */

import { type ISignal, Signal } from '@lumino/signaling';
import type * as Y from 'yjs';
import {
  type Anchor,
  type IResolution,
  Places,
  resolve
} from '../documents/anchors';
import type { IShownThread } from './asked';
import type { Discussion } from './discussion';

/** Milliseconds without a change after which is looked; marks in editors move with the text until then. */
const PAUSE = 250;

/** Follow the threads of one document. */
export class ThreadPlaces {
  constructor(
    private readonly _doc: Y.Doc,
    private readonly _discussion: Discussion
  ) {
    _doc.on('update', this._onContent);
    _discussion.changed.connect(this._onThreads);
    this._look();
  }

  /** Some thread is elsewhere now, or there are others. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The threads in the order in which the document has what they are about; what is not there comes last. */
  get ordered(): readonly IShownThread[] {
    return this._ordered;
  }

  /** Return the threads in a cell, or, of null, in a text file; in order. */
  at(cell: string | null): readonly IShownThread[] {
    return this._byCell.get(cell) ?? [];
  }

  of(thread: string): IResolution | null {
    return this._found.get(thread)?.place ?? null;
  }

  /** Whether what a thread is about is not in the document. */
  isOrphan(thread: string): boolean {
    return this.of(thread)?.state === 'orphan';
  }

  dispose(): void {
    clearTimeout(this._timer);
    this._doc.off('update', this._onContent);
    this._discussion.changed.disconnect(this._onThreads);
    Signal.clearData(this);
  }

  private readonly _onContent = (): void => {
    this._isStale = true;
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._look(), PAUSE);
  };

  private readonly _onThreads = (): void => {
    this._timer ??= setTimeout(() => this._look());
  };

  private _look(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    const { threads } = this._discussion;
    const places = threads.length ? new Places(this._doc) : null;
    const before = this._isStale ? null : this._found;
    this._isStale = false;
    this._found = new Map(
      threads.map(({ id, anchor }) => {
        const known = before?.get(id);
        // Reading the threads anew makes equal anchors of other identity only for those that changed.
        return [
          id,
          known?.anchor === anchor
            ? known
            : { anchor, place: find(places!, anchor) }
        ];
      })
    );
    const rank = (thread: IShownThread) => {
      const place = this._found.get(thread.id)!.place;
      const where = place.cell === null ? -1 : (places!.find(place.cell) ?? -1);
      const at = place.start ?? (place.output === null ? 0 : 1e9);
      return place.state === 'orphan'
        ? ([Infinity, 0] as const)
        : ([where, at] as const);
    };
    const ranked = threads.map(thread => ({ thread, rank: rank(thread) }));
    ranked.sort(
      (a, b) =>
        compare(a.rank[0], b.rank[0]) ||
        a.rank[1] - b.rank[1] ||
        order(a.thread) - order(b.thread)
    );
    this._ordered = ranked.map(({ thread }) => thread);
    this._byCell = new Map();
    for (const thread of this._ordered) {
      const { cell, state } = this.of(thread.id)!;
      if (state !== 'orphan') {
        const here = this._byCell.get(cell);
        this._byCell.set(cell, [...(here ?? []), thread]);
      }
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private _found: ReadonlyMap<
    string,
    { readonly anchor: unknown; readonly place: IResolution }
  > = new Map();
  private _ordered: readonly IShownThread[] = [];
  private _byCell = new Map<string | null, readonly IShownThread[]>();
  private _isStale = true;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

/** The number; one that has none yet comes behind. */
function order({ number }: IShownThread): number {
  return number || 1e9;
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** What is malformed, or of a later release, is nowhere: nothing that a peer writes may break the page. */
function find(places: Places, anchor: Readonly<Record<string, unknown>>) {
  try {
    return resolve(places, anchor as unknown as Anchor);
  } catch {
    return resolve(places, {
      kind: 'cell',
      cell: typeof anchor['cell'] === 'string' ? anchor['cell'] : '',
      quote: { exact: '', prefix: '', suffix: '' }
    });
  }
}
