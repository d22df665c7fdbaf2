/**
 * What this tab typed and the relay has not committed yet, by cell (section 3.2).
 *
 * The CRDT itself resends what is missing after a reconnect. This is for the other case: the room was seeded anew
 * (section 7), the CRDT's history is worth nothing, and the text has to be applied again by cell id.
 */

import * as Y from 'yjs';
import { Crossings } from './crossings';
import { Pending } from './pending';
import { Unsent } from './unsent';
import {
  deletedCells,
  insertedCells,
  plain,
  textBefore,
  type YCell
} from './ycells';

/** The key of a text file's only text, which has no cell id. */
export const WHOLE = '';

/** One cell's (or the file's) text that was not acknowledged. */
export interface IUnsaved {
  /** The cell's id, or `WHOLE`. */
  readonly id: string;
  /** The text before the edits, or null where it is not known because the cell is new. */
  readonly before: string | null;
  /** The text now. */
  readonly text: string;
  /** `code`, `markdown`, `raw`; empty for a file. */
  readonly cellType: string;
  /** Where the cell stands. */
  readonly index: number;
}

// Yjs' own signature of deep observers.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyType = any;

interface IEntry {
  /** The message that carried the edit, or infinity while it was not sent. */
  seq: number;
  readonly before: string | null;
}

/** Remember, from an edit until its acknowledgement, each text as it was before. */
export class Unacknowledged {
  /**
   * @param doc a document of the notebook or the file schema; others are watched without effect.
   * @param _isRemote tells whether an origin is another peer's.
   * @param _crossed hears what was typed here in cells that another peer deleted.
   */
  constructor(
    doc: Y.Doc,
    type: string,
    private readonly _isRemote: (origin: unknown) => boolean,
    private readonly _crossed: (typed: readonly IUnsaved[]) => void = () =>
      undefined
  ) {
    if (type === 'notebook') {
      this._cells = doc.getArray<YCell>('cells');
      this._cells.observeDeep(this._onCells);
    } else if (type === 'file') {
      this._source = doc.getText('source');
      this._source.observe(this._onSource);
    }
  }

  /** All changes of the content that were not acknowledged, those of outputs too. */
  readonly pending = new Pending();

  /** All of them, as they are sent. */
  readonly updates = new Unsent();

  /** Cells that this tab deleted. */
  readonly crossings = new Crossings();

  /**
   * Up to which message the relay had this tab's edits before the change that is being applied: who brings back what it
   * deletes of them is whoever made it.
   */
  known = 0;

  /** Whether every edit of a text was acknowledged. */
  get isEmpty(): boolean {
    return this._entries.size === 0;
  }

  /** Note that all edits up to now travel in message `seq` or an earlier one. */
  sent(seq: number): void {
    this.pending.sent(seq);
    this.updates.sent(seq);
    this.crossings.sent(seq);
    for (const entry of [...this._entries.values()].flat()) {
      if (entry.seq === Infinity) {
        entry.seq = seq;
      }
    }
  }

  /** Forget what message `seq` and earlier ones carried. */
  acknowledge(seq: number): void {
    this.pending.acknowledge(seq);
    this.updates.acknowledge(seq);
    this.crossings.acknowledge(seq);
    for (const [id, entries] of this._entries) {
      const left = entries.filter(entry => entry.seq > seq);
      if (left.length) {
        this._entries.set(id, left);
      } else {
        this._entries.delete(id);
      }
    }
  }

  /** Note that the channel is gone: nothing that was sent on it will be acknowledged. */
  unsent(): void {
    this.pending.unsent();
    this.updates.unsent();
    this.crossings.unsent();
    this.known = 0;
    for (const [id, [first]] of this._entries) {
      if (first) {
        this._entries.set(id, [{ seq: Infinity, before: first.before }]);
      }
    }
  }

  /** Return the texts that differ from what they were when last acknowledged. */
  collect(): IUnsaved[] {
    const found: IUnsaved[] = [];
    const add = (
      id: string,
      text: string,
      cellType: string,
      index: number
    ): void => {
      const before = this._entries.get(id)?.[0]?.before;
      if (before !== undefined && before !== text) {
        found.push({ id, before, text, cellType, index });
      }
    };
    this._cells?.forEach((cell, index) => {
      const id = cell.get('id');
      const source = cell.get('source');
      if (typeof id === 'string' && source instanceof Y.Text) {
        add(id, plain(source), String(cell.get('cell_type')), index);
      }
    });
    if (this._source) {
      add(WHOLE, plain(this._source), '', 0);
    }
    return found;
  }

  /** Stop watching. */
  dispose(): void {
    this._cells?.unobserveDeep(this._onCells);
    this._source?.unobserve(this._onSource);
    this._entries.clear();
    this.crossings.dispose();
  }

  private readonly _onCells = (
    events: Y.YEvent<AnyType>[],
    transaction: Y.Transaction
  ): void => {
    const list = events.find(event => event.target === this._cells);
    if (this._isRemote(transaction.origin)) {
      if (list) {
        this._noteDeletedByOthers(list);
      }
      return;
    }
    this.pending.note();
    for (const event of events) {
      if (event instanceof Y.YTextEvent) {
        const cell: unknown = event.target.parent;
        const id: unknown = cell instanceof Y.Map ? cell.get('id') : undefined;
        if (typeof id === 'string' && event.path.at(-1) === 'source') {
          this._note(id, textBefore(event.target, event));
        }
      }
    }
    if (list) {
      this._noteOwn(list);
    }
  };

  private _noteDeletedByOthers(event: Y.YEvent<AnyType>): void {
    const typed: IUnsaved[] = [];
    for (const { id, text, cellType, index } of deletedCells(event)) {
      const entries = this._entries.get(id);
      const before = entries?.find(({ seq }) => seq > this.known)?.before;
      if (before !== undefined && before !== text) {
        typed.push({ id, before, text, cellType, index });
      }
    }
    if (typed.length) {
      this._crossed(typed);
    }
  }

  private _noteOwn(event: Y.YEvent<AnyType>): void {
    const deleted = new Map<string, string>();
    for (const cell of deletedCells(event)) {
      const before = this._entries.get(cell.id)?.[0]?.before;
      deleted.set(cell.id, cell.text);
      // Of a cell that was new here the others know nothing.
      if (before !== null) {
        this.crossings.add(cell, before ?? cell.text);
      }
    }
    for (const id of insertedCells(event)) {
      this._note(id, deleted.get(id) ?? null);
    }
  }

  private readonly _onSource = (
    event: Y.YTextEvent,
    transaction: Y.Transaction
  ): void => {
    if (!this._isRemote(transaction.origin)) {
      this.pending.note();
      this._note(WHOLE, textBefore(event.target, event));
    }
  };

  private _note(id: string, before: string | null): void {
    const entries = this._entries.get(id);
    if (!entries) {
      this._entries.set(id, [{ seq: Infinity, before }]);
    } else if (entries.at(-1)?.seq !== Infinity) {
      entries.push({ seq: Infinity, before });
    }
  }

  private readonly _cells: Y.Array<YCell> | null = null;
  private readonly _source: Y.Text | null = null;
  private readonly _entries = new Map<string, IEntry[]>();
}
