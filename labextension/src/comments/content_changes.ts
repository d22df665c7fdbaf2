/** Which cells of a document changed: only what is said about those may be elsewhere. */

import * as Y from 'yjs';

/** Cells by id, null for the text of a file; and whether cells came, went or moved. */
export interface IChanges {
  readonly cells: ReadonlySet<string | null>;
  readonly isStructure: boolean;
}

/** Gather them. */
export class ContentChanges {
  constructor(
    private readonly _doc: Y.Doc,
    private readonly _changed: () => void
  ) {
    _doc.on('afterTransaction', this._onTransaction);
  }

  /** The cells that changed since they were asked for last. */
  get cells(): ReadonlySet<string | null> {
    return this._cells;
  }

  /** Return what changed since this was asked last. */
  take(): IChanges {
    const taken = { cells: this._cells, isStructure: this._isStructure };
    this._cells = new Set();
    this._isStructure = false;
    return taken;
  }

  dispose(): void {
    this._doc.off('afterTransaction', this._onTransaction);
  }

  private readonly _onTransaction = ({ changed }: Y.Transaction): void => {
    let isNews = false;
    const cells = this._doc.getArray('cells');
    for (const [type, keys] of changed) {
      const at = this._placeOf(type, cells, keys);
      if (at !== undefined) {
        isNews = true;
        if (at === ALL) {
          this._isStructure = true;
        } else {
          this._cells.add(at);
        }
      }
    }
    if (isNews) {
      this._changed();
    }
  };

  /** Return the cell that a type is in, undefined for what nobody comments on: how the file stands, and metadata. */
  private _placeOf(
    type: unknown,
    cells: unknown,
    keys: ReadonlySet<string | null>
  ): string | null | typeof ALL | undefined {
    if (type === cells) {
      return ALL;
    }
    if (type === this._doc.getText('source')) {
      return null;
    }
    let at = type as INested;
    while (at.parent && at.parent !== cells) {
      at = at.parent;
    }
    if (!at.parent || !(at instanceof Y.Map)) {
      return undefined;
    }
    const id = at.get('id') as unknown;
    const isId = at === type && keys.has('id');
    return isId || typeof id !== 'string' ? ALL : id;
  }

  private _cells = new Set<string | null>();
  private _isStructure = false;
}

const ALL = Symbol('all cells');

interface INested {
  readonly parent: INested | null;
}
