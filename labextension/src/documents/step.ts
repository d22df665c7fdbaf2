/**
 * What some transactions did to a notebook or a text file, and how to take just that back.
 *
 * Not Yjs' UndoManager: that deletes a cell which was inserted with all that others have typed into it since, brings a
 * cell that was moved back a second time, and cannot tell whose each change in a transaction is.
 */

import * as Y from 'yjs';
import { type Snapshot, snapshot, valueOf } from './snapshots';
import { diff, merge } from './text';
import { before, isNew, isThere, read, TextStep, type Was } from './text_step';

type Cell = Y.Map<unknown>;

/** Whose changes are recorded. */
export interface IRecorded {
  /** Tell whether this client's insertions are. */
  readonly inserts: (client: number) => boolean;
  /** Whether the transaction's deletions are. */
  readonly deletes: boolean;
}

/** Where a cell stood: the ids of all cells before the change. */
type Order = readonly string[];

interface IMoved {
  readonly order: Order;
  /** The keys beside text and metadata, which another type of cell may not have. */
  readonly made: Snapshot;
  readonly type: unknown;
  /** The text as it would be without what was recorded. */
  readonly source: string;
}

interface IKey {
  readonly old: Snapshot | null;
  /** The item that made the change, and whether by deleting it, to see whether it still stands. */
  readonly id: Y.ID;
  readonly isDeletion: boolean;
}

/** What happened: to cells, by id, and to the notebook's own metadata. */
export interface ISummary {
  readonly metadata: boolean;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly moved: readonly string[];
  readonly edited: readonly string[];
}

/** The keys that are not people's work: what running a cell leaves, and what makes it that cell. */
const APART = ['id', 'source', 'outputs', 'execution_count', 'execution_state'];

/** Record, and take back. */
export class Step {
  /** @param _cells of a notebook, null for a text file, whose text is `source`. */
  constructor(
    private readonly _doc: Y.Doc,
    type: string
  ) {
    this._cells = type === 'notebook' ? _doc.getArray<Cell>('cells') : null;
    this._meta = type === 'notebook' ? _doc.getMap('meta') : null;
    this._source = type === 'file' ? _doc.getText('source') : null;
  }

  /**
   * Take part in a transaction; to be called for each one, for others move and delete what was recorded.
   *
   * @param recorded null where nothing of it is recorded.
   * @param order the ids of the cells before it.
   */
  record(
    events: readonly Y.YEvent<never>[],
    transaction: Y.Transaction,
    recorded: IRecorded | null,
    order: Order
  ): void {
    for (const event of events as readonly Y.YEvent<
      Y.AbstractType<unknown>
    >[]) {
      if (event.target === this._cells) {
        this._recordCells(event, recorded, order);
      } else if (recorded && event.target instanceof Y.Text) {
        if (event.target === this._source || event.path.at(-1) === 'source') {
          this._recordText(event.target, transaction, recorded);
        }
      } else if (recorded && event.target instanceof Y.Map) {
        this._recordKeys(event as Y.YMapEvent<unknown>, recorded);
      }
    }
  }

  /** Return what is left of it, as ids of cells; a text file counts as one cell without an id. */
  get summary(): ISummary {
    const ids = this._ids();
    const here = new Set(ids);
    const added = [...this._added].filter(id => here.has(id));
    const removed = [...this._removed.keys()].filter(id => !here.has(id));
    const moved = [...this._moved.keys()].filter(id => here.has(id));
    const edited = new Set<string>();
    this._eachText((text, id) => {
      if (read(text) !== this._original(text)) {
        edited.add(id);
      }
    });
    let metadata = false;
    for (const [map, keys] of this._keys) {
      if ([...keys].some(([key, one]) => stands(map, key, one))) {
        const isMeta = rootOf(map) === this._meta;
        const id = isMeta ? null : idOf(map);
        metadata ||= isMeta;
        if (id !== null) {
          edited.add(id);
        }
      }
    }
    const others = new Set([...added, ...moved]);
    const only = [...edited].filter(id => !others.has(id));
    return { added, removed, moved, edited: only, metadata };
  }

  /** Return where the first change in a text file is, null where there is none. */
  get offset(): number | null {
    const step = this._source && this._texts.get(this._source);
    const pieces = step?.pieces(this._source!) ?? [];
    const first = pieces.findIndex(({ act }) => act !== 'keep');
    const kept = pieces.slice(0, Math.max(0, first));
    return first < 0
      ? null
      : kept.reduce((sum, { text }) => sum + text.length, 0);
  }

  /** Whether nothing is left of it. */
  get isSpent(): boolean {
    const { added, removed, moved, edited, metadata } = this.summary;
    return !(
      metadata || [added, removed, moved, edited].some(ids => ids.length)
    );
  }

  /** Tell whether cells that were put in hold more by now: others' text, or in a cell that was moved anybody's. */
  holdsMore(me: number): boolean {
    let found = false;
    for (const cell of this._cells?.toArray() ?? []) {
      const text = cell.get('source');
      const id = idOf(cell);
      if (id !== null && text instanceof Y.Text) {
        const copy = this._copies.get(text);
        found ||= copy !== undefined && copy.copied !== read(text);
        found ||=
          this._added.has(id) &&
          read(text, item => isThere(item) && item.id.client !== me) !== '';
      }
    }
    return found;
  }

  /** Take it back, as one transaction. */
  takeBack(origin: unknown): void {
    this._doc.transact(() => {
      this._keys.forEach((keys, map) => restoreKeys(map, keys));
      this._eachText(text => this._restoreText(text));
      this._eachText((text, id) => {
        if (this._added.has(id) && read(text) === '') {
          const at = this._ids().indexOf(id);
          this._cells?.delete(at, 1);
        }
      });
      this._removed.forEach(({ order, made }, id) => {
        if (!this._ids().includes(id)) {
          this._place(id, order, made() as Cell);
        }
      });
      this._moved.forEach((moved, id) => this._moveBack(id, moved));
    }, origin);
  }

  private _recordCells(
    event: Y.YEvent<Y.AbstractType<unknown>>,
    recorded: IRecorded | null,
    order: Order
  ): void {
    const { transaction, changes } = event;
    const was = before(transaction);
    const gone = new Map<string, Cell>();
    for (const cell of cellsOf(changes.deleted)) {
      const id = valueOf(cell, 'id', was);
      if (typeof id === 'string') {
        gone.set(id, cell);
      }
    }
    for (const item of changes.added) {
      for (const cell of cellsOf([item])) {
        const id = idOf(cell);
        const old = id === null ? undefined : gone.get(id);
        const isMine = recorded?.inserts(item.id.client) ?? false;
        if (id === null) {
          continue;
        }
        gone.delete(id);
        if (old) {
          this._recordMove(id, old, cell, was, isMine ? order : null);
        } else if (isMine) {
          this._recordNew(id, cell, transaction, recorded!);
        }
      }
    }
    if (recorded?.deletes) {
      gone.forEach((cell, id) => this._recordGone(id, cell, was, order));
    }
  }

  private _recordNew(
    id: string,
    cell: Cell,
    transaction: Y.Transaction,
    recorded: IRecorded
  ): void {
    const removed = this._removed.get(id);
    if (removed) {
      // It went and came again.
      this._removed.delete(id);
      this._moved.set(id, removed);
      const text = cell.get('source');
      if (text instanceof Y.Text) {
        const { source: original } = removed;
        this._copies.set(text, { original, copied: read(text) });
      }
      return;
    }
    this._added.add(id);
    const text = cell.get('source');
    if (text instanceof Y.Text) {
      this._recordText(text, transaction, recorded);
    }
  }

  /** JupyterLab and the kernel move a cell by putting a copy elsewhere; the copy's text is nobody's insertion. */
  private _recordMove(
    id: string,
    old: Cell,
    cell: Cell,
    was: Was,
    order: Order | null
  ): void {
    const from = valueOf(old, 'source', was);
    const to = cell.get('source');
    if (from instanceof Y.Text && to instanceof Y.Text) {
      const original = this._original(from, was);
      const copied = read(to);
      if (order || original !== read(from, was)) {
        this._copies.set(to, { original, copied });
      }
    }
    if (order && !this._added.has(id) && !this._moved.has(id)) {
      const type = valueOf(old, 'cell_type', was);
      const source = from instanceof Y.Text ? this._original(from, was) : '';
      this._moved.set(id, { order, type, source, made: snapshot(old, was) });
    }
  }

  private _recordGone(id: string, cell: Cell, was: Was, order: Order): void {
    if (this._added.delete(id)) {
      // Unless somebody else had typed into it.
      const text = valueOf(cell, 'source', was);
      if (!(text instanceof Y.Text) || !this._original(text, was)) {
        return;
      }
    }
    const text = valueOf(cell, 'source', was);
    const source = text instanceof Y.Text ? this._original(text, was) : '';
    const copy = snapshot(cell, was);
    const type = valueOf(cell, 'cell_type', was);
    const made = () => {
      const map = copy() as Cell;
      map.set('source', new Y.Text(source));
      return map;
    };
    const place = this._moved.get(id)?.order ?? order;
    this._moved.delete(id);
    this._removed.set(id, { order: place, made, type, source });
  }

  private _recordText(
    text: Y.Text,
    transaction: Y.Transaction,
    { inserts, deletes }: IRecorded
  ): void {
    const step = this._texts.get(text) ?? new TextStep();
    this._texts.set(text, step);
    step.record(text, transaction, inserts, deletes);
  }

  private _recordKeys(
    event: Y.YMapEvent<unknown>,
    { inserts, deletes }: IRecorded
  ): void {
    const { target, transaction, path } = event;
    const isMeta = rootOf(target) === this._meta;
    if (!isMeta && path.length > 1 && APART.includes(String(path[1]))) {
      return;
    }
    for (const key of event.keysChanged as Set<string>) {
      const item = target._map.get(key);
      // Beside the metadata stands the version of the file's format.
      const isApart = isMeta
        ? !path.length && key !== 'metadata'
        : path.length === 1 && APART.includes(key);
      const isMine =
        item && (isNew(item, transaction) ? inserts(item.id.client) : deletes);
      if (!isMine || isApart) {
        continue;
      }
      const keys = this._keys.get(target) ?? new Map<string, IKey>();
      this._keys.set(target, keys);
      const known = keys.get(key);
      const old = known ? known.old : oldValue(item, transaction);
      keys.set(key, { old, id: item.lastId, isDeletion: item.deleted });
    }
  }

  /** Return the text as it would be without what was recorded. */
  private _original(text: Y.Text, was: Was = isThere): string {
    const now = this._texts.get(text)?.original(text, was) ?? read(text, was);
    const copy = this._copies.get(text);
    return copy ? (merge(copy.copied, copy.original, now) ?? now) : now;
  }

  private _restoreText(text: Y.Text): void {
    const original = this._original(text);
    this._texts.get(text)?.takeBack(text);
    const edit = diff(read(text), original);
    if (edit) {
      text.delete(edit.start, edit.stop - edit.start);
      text.insert(edit.start, edit.text);
    }
  }

  private _moveBack(id: string, { order, made, type }: IMoved): void {
    const at = this._ids().indexOf(id);
    const cell = this._cells?.get(at);
    if (!cell) {
      return;
    }
    let copy = cell.clone();
    if (cell.get('cell_type') !== type) {
      copy = made() as Cell;
      copy.set('metadata', (cell.get('metadata') as Cell).clone());
      copy.set('source', (cell.get('source') as Y.Text).clone());
    }
    this._cells!.delete(at, 1);
    this._place(id, order, copy);
  }

  /** Put a cell behind the nearest one of those that had been before it. */
  private _place(id: string, order: Order, cell: Cell): void {
    const now = this._ids();
    const previous = order
      .slice(0, Math.max(0, order.indexOf(id)))
      .reverse()
      .find(other => now.includes(other));
    const at = previous === undefined ? 0 : now.indexOf(previous) + 1;
    this._cells?.insert(at, [cell]);
  }

  private _eachText(act: (text: Y.Text, id: string) => void): void {
    if (this._source) {
      if (this._texts.has(this._source)) {
        act(this._source, '');
      }
      return;
    }
    for (const cell of this._cells?.toArray() ?? []) {
      const text = cell.get('source');
      const id = idOf(cell);
      if (id !== null && text instanceof Y.Text) {
        const isKnown = this._texts.has(text) || this._copies.has(text);
        if (isKnown || this._added.has(id)) {
          act(text, id);
        }
      }
    }
  }

  private _ids(): string[] {
    return idsOf(this._cells);
  }

  private readonly _cells: Y.Array<Cell> | null;
  private readonly _meta: Y.Map<unknown> | null;
  private readonly _source: Y.Text | null;
  private readonly _texts = new Map<Y.Text, TextStep>();
  /** Texts of copies of cells: what was copied, and what it would have been without what was recorded. */
  private readonly _copies = new Map<
    Y.Text,
    { readonly original: string; readonly copied: string }
  >();
  private readonly _added = new Set<string>();
  private readonly _removed = new Map<string, IMoved>();
  private readonly _moved = new Map<string, IMoved>();
  private readonly _keys = new Map<Y.Map<unknown>, Map<string, IKey>>();
}

/** Return the ids of a notebook's cells, in order. */
export function idsOf(cells: Y.Array<Cell> | null): string[] {
  return (cells?.toArray() ?? []).map(cell => idOf(cell) ?? '');
}

/** Return the id of the cell that a map is or is in. */
function idOf(map: Y.Map<unknown>): string | null {
  const id = map.get('id');
  if (typeof id === 'string') {
    return id;
  }
  const { parent } = map;
  return parent instanceof Y.Map && !map._item?.deleted ? idOf(parent) : null;
}

/** Return the shared type of the document that a map is or is in. */
function rootOf(map: Y.Map<unknown>): unknown {
  let found: unknown = map;
  while (found instanceof Y.AbstractType && found.parent) {
    found = found.parent;
  }
  return found;
}

function cellsOf(items: Iterable<Y.Item>): Cell[] {
  return [...items].flatMap(({ content }) =>
    content instanceof Y.ContentType && content.type instanceof Y.Map
      ? [content.type as Cell]
      : []
  );
}

/** Return what a key held before a transaction, null where it held nothing. */
function oldValue(item: Y.Item, transaction: Y.Transaction): Snapshot | null {
  const was = before(transaction);
  let old: Y.Item | null = item;
  while (old && isNew(old, transaction)) {
    old = old.left;
  }
  return old && was(old)
    ? snapshot(old.content.getContent().at(-1), was)
    : null;
}

/** Tell whether nobody has changed a key since. */
function stands(
  map: Y.Map<unknown>,
  key: string,
  { id, isDeletion }: IKey
): boolean {
  const now = map._map.get(key);
  return (
    !map._item?.deleted &&
    now !== undefined &&
    Y.compareIDs(now.lastId, id) &&
    now.deleted === isDeletion
  );
}

function restoreKeys(
  map: Y.Map<unknown>,
  keys: ReadonlyMap<string, IKey>
): void {
  for (const [key, one] of keys) {
    if (stands(map, key, one)) {
      if (one.old) {
        map.set(key, one.old());
      } else {
        map.delete(key);
      }
    }
  }
}
