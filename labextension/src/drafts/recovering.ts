/** Brings typed text back into a document that is opened again, and offers what could not be merged. */

import { type ISharedDocument, YFile, YNotebook } from '@jupyter/ydoc';
import { type ISignal, Signal } from '@lumino/signaling';
import type { IDraft, IDraftStore } from '../documents/draft';
import {
  applyToFile,
  applyToNotebook,
  type IOutcome
} from '../documents/recovery';
import type { IUnsaved } from '../documents/unacknowledged';
import type { IOpenDocument } from '../open_documents';
import type { ILiveDocument, IRecovered, IUndecided } from '../tokens';
import { Keeper, type ISource } from './keeper';
import { take } from './ownership';

/** Milliseconds; a browser whose database does not answer must not keep a document from opening. */
const LONGEST = 3_000;

/** Keep and bring back the drafts of all documents. */
export class Recovering {
  /**
   * @param _store where drafts are.
   * @param _source says where a document's drafts belong.
   */
  constructor(
    private readonly _store: IDraftStore,
    private readonly _source: (document: IOpenDocument) => ISource
  ) {}

  get recovered(): ISignal<this, IRecovered> {
    return this._recovered;
  }

  get undecidedChanged(): ISignal<this, ILiveDocument> {
    return this._undecidedChanged;
  }

  /** Keep a document's drafts until it is forgotten. */
  follow(document: IOpenDocument): void {
    const { provider } = document;
    const source = () => this._source(document);
    this._keepers.set(document, new Keeper(this._store, provider, source));
    provider.crossed.connect((_, typed) => {
      const { added, left } = apply(document.model, typed);
      this._tell(document, { why: 'deleted', added, left });
    });
  }

  /** The document is closed here. */
  forget(document: ILiveDocument): void {
    const keeper = this._keepers.get(document);
    if (keeper) {
      this._left.set(keeper.id, keeper.dispose());
    }
    this._keepers.delete(document);
    this._undecided.delete(document);
  }

  /** Bring back what was not sent when this document was open before, here or in a tab that is gone. */
  async recover(document: IOpenDocument): Promise<void> {
    const late = new Promise<void>(resolve => setTimeout(resolve, LONGEST));
    await Promise.race([this._recover(document), late]);
  }

  undecided(document: ILiveDocument): readonly IUndecided[] {
    return this._undecided.get(document) ?? [];
  }

  /** Forget texts that a person has decided about. */
  async decide(document: ILiveDocument, id: string): Promise<void> {
    await this._store.remove(id);
    const left = this.undecided(document).filter(item => item.id !== id);
    this._undecided.set(document, left);
    this._undecidedChanged.emit(document);
  }

  /** Forget everything, as when a person signs out. */
  async clear(): Promise<void> {
    await this._store.clear();
  }

  private async _recover(document: IOpenDocument): Promise<void> {
    await Promise.all(this._left.values());
    const { at, room, user } = this._source(document);
    for (const draft of await this._store.all(at, room)) {
      const { id, user: whose } = draft;
      // What was here may have been moved, and another file made in its place.
      if (draft.room !== room && (await document.isElsewhere(draft.room))) {
        continue;
      }
      const isOurs = this._left.delete(id);
      if (isOurs) {
        await this._take(document, id);
      } else if (whose === user) {
        await take(id, () => this._take(document, id));
      }
    }
  }

  private async _take(document: ILiveDocument, id: string): Promise<void> {
    const { provider, model } = document;
    // Another tab may have had it meanwhile.
    const draft = await this._store.get(id);
    if (!draft || model.isDisposed) {
      return;
    }
    const { undecided, texts, lineage, update, base } = draft;
    if (undecided.length) {
      this._offer(document, draft, undecided);
      return;
    }
    if (!provider.mayWrite) {
      this._offer(document, draft, texts);
      return;
    }
    if (!update || !provider.restore(lineage, update, base)) {
      const { added, left } = apply(model, texts);
      await this._keep(document, draft, left);
      this._tell(document, { why: 'anew', added, left });
    }
    // The new before the old: from here on it is this tab's own draft.
    await this._keepers.get(document)?.write();
    await this._store.remove(id);
  }

  private async _keep(
    document: ILiveDocument,
    draft: IDraft,
    left: readonly IUnsaved[]
  ): Promise<void> {
    if (left.length) {
      const id = `${draft.id}-undecided`;
      const kept = { ...draft, id, update: null, texts: [], undecided: left };
      await this._store.put(kept);
      this._offer(document, kept, left);
    }
  }

  private _offer(
    document: ILiveDocument,
    { id, saved }: IDraft,
    texts: readonly IUnsaved[]
  ): void {
    this._undecided.set(document, [
      ...this.undecided(document),
      { id, saved, texts }
    ]);
    this._undecidedChanged.emit(document);
  }

  private _tell(
    document: ILiveDocument,
    how: Omit<IRecovered, 'document'>
  ): void {
    if (how.added || how.left.length) {
      this._recovered.emit({ document, ...how });
    }
  }

  private readonly _keepers = new Map<ILiveDocument, Keeper>();
  /** Drafts of documents that were closed in this page, with when they are written. */
  private readonly _left = new Map<string, Promise<void>>();
  private readonly _undecided = new Map<ILiveDocument, readonly IUndecided[]>();
  private readonly _recovered = new Signal<this, IRecovered>(this);
  private readonly _undecidedChanged = new Signal<this, ILiveDocument>(this);
}

function apply(model: ISharedDocument, texts: readonly IUnsaved[]): IOutcome {
  if (model instanceof YNotebook) {
    return applyToNotebook(model, texts);
  }
  if (model instanceof YFile) {
    return applyToFile(model, texts);
  }
  return { merged: 0, added: 0, left: [...texts] };
}
