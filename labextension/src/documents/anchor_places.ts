/** A document as a pass over many anchors sees it: each thing is read once, and only when an anchor asks. */

import * as Y from 'yjs';
import type { Output } from './anchor_outputs';
import { splitsPair, Work } from './quotes';
import { plain } from './ycells';

/** Where the text of a text file is, in place of a cell's index. */
export const FILE = -1;

/** A relative position of Yjs, with all four keys. */
export interface IPosition {
  readonly type: IId | null;
  readonly tname: string | null;
  readonly item: IId | null;
  readonly assoc: number;
}

interface IId {
  readonly client: number;
  readonly clock: number;
}

/** Where an anchor was made: its cell, none in the text of a file, and the cells beside that. */
export interface IInCell {
  readonly cell?: string;
  readonly near?: readonly [string | null, string | null];
}

/** Makes and finds positions in one text. It must not change in the meantime. */
export class Positions {
  readonly string: string;

  constructor(private readonly _text: Y.Text) {
    this.string = plain(_text);
  }

  /** Return the position at an offset; `assoc` 0 stays with the character behind it, -1 with the one in front of it. */
  make(offset: number, assoc: 0 | -1): IPosition {
    const { type, tname, item } = Y.createRelativePositionFromTypeIndex(
      this._text,
      offset,
      assoc
    );
    return { type: id(type), tname, item: id(item), assoc };
  }

  /**
   * Return the offset of a position, null where it is not in this text.
   *
   * Where its character was deleted, that is where it stood.
   */
  find(position: IPosition): number | null {
    this._here ??= Y.createRelativePositionFromTypeIndex(this._text, 0, -1);
    const { type, tname } = this._here;
    if (!same(type, position.type) || tname !== position.tname) {
      return null;
    }
    const index =
      position.item === null ? this._edge(position) : this._at(position);
    return index !== null && splitsPair(this.string, index) ? index - 1 : index;
  }

  /** Return the offset of a position that is at no character: the beginning, or the end. */
  private _edge(position: IPosition): number | null {
    const found = Y.createAbsolutePositionFromRelativePosition(
      Y.createRelativePositionFromJSON(position),
      this._text.doc!,
      false
    );
    return found?.type === this._text ? found.index : null;
  }

  /**
   * Return the offset of a position at a character, as Yjs does, which walks through the text for each.
   *
   * What an undo brought back has other ids everywhere else; so everybody has to look for it by its words.
   */
  private _at({ item: at, assoc }: IPosition): number | null {
    const { store } = this._text.doc!;
    const { client, clock } = at!;
    if (Y.getState(store, client) <= clock) {
      return null;
    }
    const item = Y.getItem(store, Y.createID(client, clock)) as unknown;
    const before = item instanceof Y.Item ? this._offsets.get(item) : undefined;
    if (!(item instanceof Y.Item) || before === undefined) {
      return null;
    }
    const isGone = item.deleted || !item.countable;
    return before + (isGone ? 0 : clock - item.id.clock + (assoc < 0 ? 1 : 0));
  }

  /** Return how much text is in front of each piece of it, read once for hundreds of positions. */
  private get _offsets(): ReadonlyMap<Y.Item, number> {
    if (!this._known) {
      this._known = new Map();
      let before = 0;
      for (let item = this._text._start; item; item = item.right) {
        this._known.set(item, before);
        before += item.deleted || !item.countable ? 0 : item.length;
      }
    }
    return this._known;
  }

  private _here: Y.RelativePosition | null = null;
  private _known: Map<Y.Item, number> | null = null;
}

/** Reads a document for as long as it does not change; make another one when it has. */
export class Places {
  constructor(private readonly _doc: Y.Doc) {
    this._cells = _doc.getArray<unknown>('cells').toArray();
    this.ids = this._cells.map((_, where) => String(this._value(where, 'id')));
    this.ids.forEach((cellId, where) => {
      const known = this._where.get(cellId);
      if (known) {
        known.push(where);
      } else {
        this._where.set(cellId, [where]);
      }
    });
  }

  /** The ids of the cells, in order. */
  readonly ids: readonly string[];

  /** What looking for anchors has cost. */
  readonly work = new Work();

  /** Return where the cell of an anchor is: one place, none, or two of twins, of more than two the first. */
  own(anchor: IInCell): readonly number[] {
    return anchor.cell === undefined
      ? [FILE]
      : (this._where.get(anchor.cell) ?? []).slice(0, 2);
  }

  /** Return where a cell is, null where it is not. */
  find(cellId: string | null): number | null {
    return cellId === null ? null : (this._where.get(cellId)?.[0] ?? null);
  }

  /** Return a cell's id, null for the text of a file. */
  idAt(where: number): string | null {
    return where === FILE ? null : this.ids[where]!;
  }

  /** Return the ids of the cells in front of a cell and behind it. */
  near(where: number): [string | null, string | null] {
    return [this.ids[where - 1] ?? null, this.ids[where + 1] ?? null];
  }

  /** Return about where the cell of an anchor was, by its neighbours. */
  hint(anchor: IInCell): number {
    const [before, after] = (anchor.near ?? [null, null]).map(cellId =>
      this.find(cellId)
    );
    return before !== null ? before! + 1 : after !== null ? after! - 1 : 0;
  }

  /** Return a source, null where a cell has none. */
  text(where: number): Positions | null {
    let found = this._texts.get(where);
    if (found === undefined) {
      const source =
        where === FILE
          ? this._doc.getText('source')
          : this._value(where, 'source');
      found = source instanceof Y.Text ? new Positions(source) : null;
      this._texts.set(where, found);
    }
    return found;
  }

  /** Return what a source holds. */
  string(where: number): string {
    return this.text(where)?.string ?? '';
  }

  /** Return the cells whose sources hold a text, from the place `near` outwards. */
  *holding(exact: string, near: number): Iterable<number> {
    this._all ??= this.ids.map((_, where) => this.string(where)).join('\0');
    // One search through everything first: most of what is not found is nowhere.
    if (this._all.includes(exact)) {
      const off = (where: number) => Math.abs(where - near);
      const outwards = [...this.ids.keys()].sort(
        (a, b) => off(a) - off(b) || a - b
      );
      for (const where of outwards) {
        if (this.string(where).includes(exact)) {
          yield where;
        }
      }
    }
  }

  /** Return the outputs of a cell. */
  outputs(where: number): Output[] {
    const found = this._value(where, 'outputs');
    const all: unknown = found instanceof Y.Array ? found.toJSON() : found;
    return Array.isArray(all)
      ? all.map((one: unknown) =>
          typeof one === 'object' && one !== null && !Array.isArray(one)
            ? (one as Output)
            : {}
        )
      : [];
  }

  /** Return the number of a cell's last run. */
  executionCount(where: number): number | null {
    const count = this._value(where, 'execution_count');
    return typeof count === 'number' ? count : null;
  }

  private _value(where: number, key: string): unknown {
    const cell = this._cells[where];
    return cell instanceof Y.Map ? cell.get(key) : null;
  }

  private readonly _cells: readonly unknown[];
  private readonly _where = new Map<string, number[]>();
  private readonly _texts = new Map<number, Positions | null>();
  private _all: string | null = null;
}

function id(found: IId | null): IId | null {
  return found && { client: found.client, clock: found.clock };
}

function same(one: IId | null, other: IId | null): boolean {
  return one?.client === other?.client && one?.clock === other?.clock;
}
