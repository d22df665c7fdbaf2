/** What this person may do with one document, and whether this tab kept to it. */

import { type ISignal, Signal } from '@lumino/signaling';
import type * as Y from 'yjs';
import { mayWrite, type Role } from './roles';

/** The roots that hold what people work on; JupyterLab writes into the others of its own accord. */
const CONTENT = ['cells', 'source'];

/** Hold one document's role. */
export class Rights {
  /** @param _isRemote tells whether an origin is another peer's. */
  constructor(
    private readonly _doc: Y.Doc,
    private readonly _isRemote: (origin: unknown) => boolean
  ) {
    _doc.on('afterTransaction', this._onTransaction);
  }

  /** Null before the relay has said it. */
  get role(): Role | null {
    return this._role;
  }

  get changed(): ISignal<this, Role> {
    return this._changed;
  }

  get mayWrite(): boolean {
    return this._role !== null && mayWrite(this._role);
  }

  /** Whether this replica holds changes that were made without the right to make them. */
  get hasStrayed(): boolean {
    return this._hasStrayed;
  }

  set(role: Role): void {
    if (role !== this._role) {
      this._role = role;
      this._changed.emit(role);
    }
  }

  dispose(): void {
    this._doc.off('afterTransaction', this._onTransaction);
  }

  private readonly _onTransaction = (transaction: Y.Transaction): void => {
    const { changedParentTypes } = transaction;
    const isRemote = this._isRemote(transaction.origin);
    if (isRemote || this._role === null || this.mayWrite) {
      return;
    }
    this._hasStrayed ||= CONTENT.some(root => {
      const type = this._doc.share.get(root);
      return type !== undefined && changedParentTypes.has(type);
    });
  };

  private _role: Role | null = null;
  private _hasStrayed = false;
  private readonly _changed = new Signal<this, Role>(this);
}
