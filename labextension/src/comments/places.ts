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
/** Milliseconds after which is looked all the same, while a cell prints on and on. */
const LONGEST = 1000;

/** Milliseconds at a stretch. */
const SLICE = 12;
/** Milliseconds; what is at its place takes far less than what is looked for everywhere. */
const SLOW = 3;

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
    clearTimeout(this._slicing);
    this._doc.off('update', this._onContent);
    this._discussion.changed.disconnect(this._onThreads);
    Signal.clearData(this);
  }

  /** Look now, if something changed: what is asked next is to be true. */
  settle(): void {
    if (this._staleSince !== null) {
      this._look();
    }
  }

  private readonly _onContent = (): void => {
    const now = Date.now();
    this._places = null;
    this._staleSince ??= now;
    this._soon(Math.min(PAUSE, this._staleSince + LONGEST - now));
  };

  private readonly _onThreads = (): void => this._soon(0);

  private _soon(wait: number): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._look(), wait);
  }

  /** Resolve what may be elsewhere now; what is to be looked for everywhere comes last, and in pieces: the page goes on meanwhile. */
  private _look(): void {
    clearTimeout(this._timer);
    const isFresh = this._staleSince === null;
    this._staleSince = null;
    const { threads } = this._discussion;
    const known = new Set(threads.map(({ id }) => id));
    for (const id of this._found.keys()) {
      if (!known.has(id)) {
        this._found.delete(id);
      }
    }
    const left = new Set(this._queue.map(({ id }) => id));
    this._places ??= new Places(this._doc);
    const places = this._places;
    const rank = ({ id, anchor: { cell } }: IShownThread) => {
      const isLost = typeof cell === 'string' && places.find(cell) === null;
      const isSlow = isLost || (this._found.get(id)?.cost ?? 0) > SLOW;
      return isSlow ? (left.has(id) ? 1 : 2) : 0;
    };
    this._queue = threads
      .filter(({ id, anchor }) => {
        const isSame = this._found.get(id)?.anchor === anchor;
        return !isFresh || !isSame || left.has(id);
      })
      .sort((a, b) => rank(a) - rank(b));
    this._slice();
    this._order();
  }

  private _slice(): void {
    clearTimeout(this._slicing);
    const begun = performance.now();
    let now = begun;
    while (this._queue.length && now - begun < SLICE) {
      const { id, anchor } = this._queue.shift()!;
      // Reads the document as it is at the moment; after a change all of this is done once more.
      this._places ??= new Places(this._doc);
      const place = find(this._places, anchor);
      const end = performance.now();
      this._found.set(id, { anchor, place, cost: end - now });
      now = end;
    }
    if (this._queue.length) {
      this._slicing = setTimeout(
        () => {
          this._slice();
          if (!this._queue.length) {
            this._order();
          }
        },
        2 * (now - begun)
      );
    }
  }

  private _order(): void {
    this._places ??= new Places(this._doc);
    const places = this._places;
    const ranked = this._discussion.threads.flatMap(thread => {
      const place = this._found.get(thread.id)?.place;
      if (!place) {
        return [];
      }
      const where = place.cell === null ? -1 : (places.find(place.cell) ?? -1);
      const at = place.start ?? (place.output === null ? 0 : 1e9);
      const isOrphan = place.state === 'orphan';
      return { thread, place, where: isOrphan ? Infinity : where, at };
    });
    ranked.sort(
      (a, b) =>
        compare(a.where, b.where) ||
        (a.where === Infinity ? 0 : a.at - b.at) ||
        order(a.thread) - order(b.thread)
    );
    this._ordered = ranked.map(({ thread }) => thread);
    this._byCell = new Map();
    for (const { thread, place } of ranked) {
      if (place.state !== 'orphan') {
        const here = this._byCell.get(place.cell);
        this._byCell.set(place.cell, [...(here ?? []), thread]);
      }
    }
    this._changed.emit();
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _found = new Map<string, IFound>();
  /** What is to be resolved yet. */
  private _queue: IShownThread[] = [];
  private _places: Places | null = null;
  private _ordered: readonly IShownThread[] = [];
  private _byCell = new Map<string | null, readonly IShownThread[]>();
  /** Since when the content is another than was looked at, null for not at all. */
  private _staleSince: number | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _slicing: ReturnType<typeof setTimeout> | undefined;
}

/** Where a thread is, and how many milliseconds it took to find out. */
interface IFound {
  readonly anchor: unknown;
  readonly place: IResolution;
  readonly cost: number;
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
