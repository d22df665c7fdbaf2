/**
 * Keeps this tab's hands off a shared model whose changes nobody would get.
 *
 * A read-only editor stops typing only. JupyterLab's commands (add, delete, move, paste, split, retype, undo, tags)
 * write into the model itself, and CRDT changes cannot be taken back: what is deleted here stays deleted here while the
 * others go on editing it. So the writing methods are covered for as long as the lock holds. What a kernel writes
 * (outputs) is let through: the person who runs a cell wants to see what came of it.
 */

import {
  createStandaloneCell,
  type ISharedDocument,
  type SharedCell,
  YFile,
  YNotebook
} from '@jupyter/ydoc';

/** How many covered methods, by object, so that unlocking uncovers what locking covered and nothing else. */
type Covered = Map<object, readonly string[]>;

const NOTEBOOK = ['moveCells', 'deleteCellRange', 'fromJSON', 'undo', 'redo'];
const CELL = ['setSource', 'updateSource', 'undo', 'redo'];
const FILE = ['setSource', 'updateSource', 'undo', 'redo'];
/** Written by JupyterLab of its own accord too, so nobody is told. */
const METADATA = ['setMetadata', 'updateMetadata', 'deleteMetadata'];
const SILENT = [...METADATA, 'setAttachments', 'setAttachment'];

/** Lock and unlock one shared model. */
export class Lock {
  /**
   * @param _model a notebook's or a file's; others are left alone.
   * @param _onRefused hears of each change that somebody tried to make.
   */
  constructor(
    private readonly _model: ISharedDocument,
    private readonly _onRefused: () => void = () => undefined
  ) {}

  get isLocked(): boolean {
    return this._covered !== null;
  }

  lock(): void {
    if (this._covered) {
      return;
    }
    this._covered = new Map();
    const model = this._model;
    if (model instanceof YNotebook) {
      this._cover(model, NOTEBOOK, METADATA);
      this._insertNothing(model);
      this._coverCells();
      model.changed.connect(this._coverCells, this);
    } else if (model instanceof YFile) {
      this._cover(model, FILE, []);
    }
  }

  unlock(): void {
    const covered = this._covered;
    this._covered = null;
    if (covered && this._model instanceof YNotebook) {
      this._model.changed.disconnect(this._coverCells, this);
    }
    for (const [object, names] of covered ?? []) {
      names.forEach(name => Reflect.deleteProperty(object, name));
    }
  }

  private _coverCells(): void {
    if (this._model instanceof YNotebook) {
      this._model.cells.forEach(cell => this._cover(cell, CELL, SILENT));
    }
  }

  /** Answer with cells that stand alone: callers go on to work with what they believe they inserted. */
  private _insertNothing(notebook: YNotebook): void {
    this._put(
      notebook,
      'insertCells',
      (_: number, cells: SharedCell.Cell[]) => {
        this._onRefused();
        return cells.map(cell => createStandaloneCell(cell));
      }
    );
  }

  private _cover(
    object: object,
    names: readonly string[],
    silent: readonly string[]
  ): void {
    if (this._covered?.has(object)) {
      return;
    }
    names.forEach(name => this._put(object, name, () => this._onRefused()));
    silent.forEach(name => this._put(object, name, () => undefined));
  }

  private _put(object: object, name: string, method: unknown): void {
    if (name in object) {
      Object.defineProperty(object, name, {
        value: method,
        configurable: true
      });
      this._covered?.set(object, [...(this._covered.get(object) ?? []), name]);
    }
  }

  private _covered: Covered | null = null;
}
