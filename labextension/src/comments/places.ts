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
import { ContentChanges } from './content_changes';
import type { Discussion } from './discussion';
import type { INews } from './shared';

/** Milliseconds without a change after which is looked; marks in editors move with the text until then. */
const PAUSE = 250;
/** Milliseconds after which is looked all the same, while a cell prints on and on. */
const LONGEST = 1000;

/** Milliseconds at a stretch: who types must not notice. */
const SLICE = 4;
/** Milliseconds by which a timer may be early. */
const TICK = 10;
/** Milliseconds; what is at its place takes far less than what is looked for everywhere. */
const SLOW = 3;

/** Follow the threads of one document. */
export class ThreadPlaces {
  constructor(
    private readonly _doc: Y.Doc,
    private readonly _discussion: Discussion
  ) {
    this._changes = new ContentChanges(_doc, () => this._onContent());
    _discussion.changed.connect(this._onThreads);
    this._look();
  }

  /** Some thread is elsewhere now, or there are others. */
  get changed(): ISignal<this, INews> {
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
    this._slicing?.();
    this._changes.dispose();
    this._discussion.changed.disconnect(this._onThreads);
    Signal.clearData(this);
  }

  /** Look now, if something changed: what is asked next is to be true. */
  settle(): void {
    if (this._staleSince !== null) {
      this._look();
    }
  }

  private _onContent(): void {
    const now = Date.now();
    this._places = null;
    this._staleSince ??= now;
    this._changedAt = now;
    this._soon(Math.min(PAUSE, this._staleSince + LONGEST - now));
  }

  private readonly _onThreads = (
    _: unknown,
    ids: ReadonlySet<string> | null
  ): void => {
    if (ids) {
      ids.forEach(id => this._told.add(id));
    } else {
      this._isAllTold = true;
    }
    this._soon(0);
  };

  private _soon(wait: number): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._look(), wait);
  }

  /** Resolve what may be elsewhere now, in pieces: the page goes on meanwhile. */
  private _look(): void {
    clearTimeout(this._timer);
    // While somebody types, what takes long waits, and so does what was not at its place.
    const isPause = Date.now() - this._changedAt > PAUSE - TICK;
    this._staleSince = null;
    const { threads } = this._discussion;
    const known = new Set(threads.map(({ id }) => id));
    for (const [id, { place }] of this._found) {
      if (!known.has(id)) {
        this._found.delete(id);
        this._cells.add(place.cell);
        this._isOther = true;
      }
    }
    const changes = this._changes.take();
    this._isEverywhere ||= changes.isStructure;
    this._isLooseDue ||= changes.isStructure || changes.cells.size > 0;
    const left = new Set(this._queue.map(({ id }) => id));
    this._places ??= new Places(this._doc);
    const places = this._places;
    const later = new Set<string>();
    const rank = ({ id, anchor: { cell } }: IShownThread) => {
      const isLost = typeof cell === 'string' && places.find(cell) === null;
      const isSlow = isLost || (this._found.get(id)?.cost ?? 0) > SLOW;
      return isSlow ? (left.has(id) ? 1 : 2) : 0;
    };
    this._queue = threads
      .filter(thread => {
        const { id, anchor } = thread;
        const found = this._found.get(id);
        if (!found || found.anchor !== anchor || left.has(id)) {
          return true;
        }
        const isHere = [found.place.cell, cellIn(anchor)].some(cell =>
          changes.cells.has(cell)
        );
        const isDue = changes.isStructure || isHere || this._later.has(id);
        const isLate = isDue && !isPause && found.cost > SLOW;
        if (isLate) {
          later.add(id);
        }
        return (
          (isDue && !isLate) ||
          (isPause && this._isLooseDue && isLoose(found.place))
        );
      })
      .sort((a, b) => rank(a) - rank(b));
    this._later = later;
    this._isLooseDue &&= !isPause;
    if (!isPause && (later.size || this._isLooseDue)) {
      this._soon(PAUSE);
    }
    this._slice();
    this._tell();
  }

  private _slice(): void {
    this._slicing?.();
    this._slicing = null;
    const begun = performance.now();
    let now = begun;
    while (this._queue.length && now - begun < SLICE) {
      const { id, anchor } = this._queue.shift()!;
      // Reads the document as it is at the moment; after a change all of this is done once more.
      this._places ??= new Places(this._doc);
      const place = find(this._places, anchor);
      const end = performance.now();
      this._note(id, place);
      this._found.set(id, { anchor, place, cost: end - now });
      now = end;
    }
    if (this._queue.length) {
      this._slicing = whenIdle(() => {
        this._slice();
        if (!this._queue.length) {
          this._tell();
        }
      });
    }
  }

  /** Remember what is news about a thread. */
  private _note(id: string, place: IResolution): void {
    const before = this._found.get(id)?.place;
    if (!before || !isSame(before, place)) {
      this._threads.add(id);
      this._cells.add(place.cell);
      if (before) {
        this._cells.add(before.cell);
      }
    }
  }

  /** Tell what is news, if anything. */
  private _tell(): void {
    for (const id of this._told) {
      this._threads.add(id);
      const place = this._found.get(id)?.place;
      if (place) {
        this._cells.add(place.cell);
      }
    }
    const isAll = this._isAllTold || this._isEverywhere;
    this._told.clear();
    if (!isAll && !this._isOther && !this._threads.size && !this._cells.size) {
      return;
    }
    const isReordered = this._order();
    const [ready, held] = this._readyCells();
    const news: INews = {
      threads: isAll
        ? new Set(this._ordered.map(({ id }) => id))
        : this._threads,
      cells: isAll ? null : ready,
      isReordered: isReordered || isAll || this._isOther
    };
    this._threads = new Set();
    this._cells = isAll ? new Set() : held;
    this._isAllTold = this._isEverywhere = this._isOther = false;
    this._changed.emit(news);
  }

  /**
   * Return the cells whose marks may be drawn anew, and those whose may not yet.
   *
   * Marks move along while somebody types; what was found a few keys ago, or in a part only, must not put them back.
   */
  private _readyCells(): [Set<string | null>, Set<string | null>] {
    const busy = new Set(this._changes.cells);
    for (const { id } of this._queue) {
      const found = this._found.get(id);
      if (found) {
        busy.add(found.place.cell);
      }
    }
    const cells = [...this._cells];
    return [
      new Set(cells.filter(cell => !busy.has(cell))),
      new Set(cells.filter(cell => busy.has(cell)))
    ];
  }

  /** Put the threads in order, and tell whether that is another than before. */
  private _order(): boolean {
    this._places ??= new Places(this._doc);
    const places = this._places;
    const ranked = this._discussion.threads.flatMap(thread => {
      const place = this._found.get(thread.id)?.place;
      if (!place) {
        return [];
      }
      const where = place.cell === null ? -1 : (places.find(place.cell) ?? -1);
      // A whole cell comes before what is in it, and what it put out after that.
      const at =
        place.output === null ? (place.start ?? -1) : 1e9 + place.output;
      const isOrphan = place.state === 'orphan';
      return { thread, place, where: isOrphan ? Infinity : where, at };
    });
    ranked.sort(
      (a, b) =>
        compare(a.where, b.where) ||
        (a.where === Infinity ? 0 : a.at - b.at) ||
        (a.place.line ?? 0) - (b.place.line ?? 0) ||
        order(a.thread) - order(b.thread)
    );
    const before = this._key;
    this._key = ranked
      .map(({ thread: { id }, where }) => (where === Infinity ? `!${id}` : id))
      .join(' ');
    this._ordered = ranked.map(({ thread }) => thread);
    this._byCell = new Map();
    for (const { thread, place } of ranked) {
      if (place.state !== 'orphan') {
        const here = this._byCell.get(place.cell);
        if (here) {
          here.push(thread);
        } else {
          this._byCell.set(place.cell, [thread]);
        }
      }
    }
    return this._key !== before;
  }

  private readonly _changed = new Signal<this, INews>(this);
  private readonly _changes: ContentChanges;
  private readonly _found = new Map<string, IFound>();
  /** What is to be resolved yet. */
  private _queue: IShownThread[] = [];
  private _places: Places | null = null;
  private _ordered: readonly IShownThread[] = [];
  private _byCell = new Map<string | null, IShownThread[]>();
  /** The order, in which the orphans are marked. */
  private _key = '';
  // What is to be told: threads and cells, that threads came or went, that all is to be shown anew.
  private _told = new Set<string>();
  private _threads = new Set<string>();
  private _cells = new Set<string | null>();
  private _isOther = false;
  private _isAllTold = true;
  private _isEverywhere = false;
  /** What waits for a pause: by name, and whether what was not at its place does. */
  private _later = new Set<string>();
  private _isLooseDue = false;
  /** Since when the content is another than was looked at, null for not at all. */
  private _staleSince: number | null = null;
  /** When it changed last. */
  private _changedAt = -Infinity;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _slicing: (() => void) | null = null;
}

/** Where a thread is, and how many milliseconds it took to find out. */
interface IFound {
  readonly anchor: unknown;
  readonly place: IResolution;
  readonly cost: number;
}

/** Whether a change anywhere may lead a thread elsewhere: one at its place stays there. */
function isLoose({ state, healed }: IResolution): boolean {
  const isThere =
    state === 'exact' || state === 'current' || state === 'changed';
  return !isThere || (state === 'changed' && healed !== null);
}

/** Whether two places look the same. */
function isSame(one: IResolution, other: IResolution): boolean {
  return (
    one.state === other.state &&
    one.cell === other.cell &&
    one.start === other.start &&
    one.end === other.end &&
    one.quote === other.quote &&
    one.output === other.output &&
    one.line === other.line
  );
}

function cellIn({ cell }: Readonly<Record<string, unknown>>): string | null {
  return typeof cell === 'string' ? cell : null;
}

/** Do something when the page has nothing else to do; return how to give it up. */
function whenIdle(act: () => void): () => void {
  if (typeof requestIdleCallback === 'function') {
    const id = requestIdleCallback(act, { timeout: LONGEST });
    return () => cancelIdleCallback(id);
  }
  const id = setTimeout(act, 2 * SLICE);
  return () => clearTimeout(id);
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
