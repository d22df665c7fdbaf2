/** The content provider: gives JupyterLab shared models that the relay fills and saves. */

import {
  type DocumentChange,
  type ISharedDocument,
  type YDocument,
  YFile,
  YNotebook
} from '@jupyter/ydoc';
import type {
  Contents,
  IContentProvider,
  SharedDocumentFactory
} from '@jupyterlab/services';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { IConnection } from './channels/channel';
import type { ILink } from './channels/link';
import { forgetKept } from './comments/kept';
import type { IDraftStore } from './documents/draft';
import { Recovering } from './drafts/recovering';
import { nameOf } from './drafts/whose';
import { FileNews } from './file_news';
import { firstSync } from './first_sync';
import { goLive, type ILiveOptions } from './live_document';
import { key, OpenDocuments } from './open_documents';
import { type IPostponed, PostponedSaves } from './postponed';
import type { IWhyNot } from './standing/standing';
import type {
  ILiveDocument,
  ILiveDocuments,
  IMoved,
  IRecovered,
  IUndecided
} from './tokens';

/** The id that widget factories name us by. */
export const CONTENT_PROVIDER = 'rtc_widgets';

/** What a content provider is made of. */
export interface IContentProviderOptions extends ILiveOptions {
  readonly drive: Contents.IDrive;
  readonly link: ILink;
  /** A second connection, for notebooks of which the text is open: on one connection a document is open once. */
  readonly beside: IConnection;
  /** Where drafts are kept. */
  readonly drafts: IDraftStore;
}

/** Provide notebooks and text files of one drive. */
export class ContentProvider implements IContentProvider, ILiveDocuments {
  constructor(private readonly _options: IContentProviderOptions) {
    this._factories.set(
      'notebook',
      () => new YNotebook({ disableDocumentWideUndoRedo: true })
    );
    this._factories.set('file', () => new YFile());
    const isShared = () => this._isShared;
    this.sharedModelFactory = {
      get collaborative() {
        // JupyterLab reads this right after `createNew`: it has to be the answer for that document, or a model of
        // JupyterLab's own would be taken for one that a server saves.
        return isShared();
      },
      registerDocumentFactory: (type, factory) => {
        this._factories.set(type, factory);
      },
      createNew: options => {
        const model = this._create(options);
        this._isShared = model !== undefined;
        return model;
      }
    };
    this._news = new FileNews(this, _options.drive, this._documents);
    const { drafts, server, user } = _options;
    this._recovering = new Recovering(drafts, ({ type, path, room }) => ({
      at: `${server}#${key(type, path)}`,
      room,
      user: nameOf(user.identity)
    }));
  }

  readonly sharedModelFactory: Contents.ISharedFactory;

  get fileChanged(): ISignal<IContentProvider, Contents.IChangedArgs> {
    return this._news.fileChanged;
  }

  get added(): ISignal<ILiveDocuments, ILiveDocument> {
    return this._added;
  }

  get recovered(): ISignal<unknown, IRecovered> {
    return this._recovering.recovered;
  }

  get moved(): ISignal<unknown, IMoved> {
    return this._moved;
  }

  get saving(): ISignal<unknown, ILiveDocument> {
    return this._saving;
  }

  get postponed(): ISignal<unknown, IPostponed> {
    return this._saves.changed;
  }

  get link(): ILink {
    return this._options.link;
  }

  find(model: ISharedDocument): ILiveDocument | undefined {
    return this._documents.of(model);
  }

  notebookOf(text: ILiveDocument): ILiveDocument {
    const known = this._notebooks.get(text);
    if (known) {
      return known;
    }
    const model = new YNotebook({ disableDocumentWideUndoRedo: true });
    // The person is in the text, and seen there.
    model.awareness.setLocalState(null);
    const found = goLive(
      { ...this._options, connection: this._options.beside },
      text.path,
      'json',
      'notebook',
      model,
      (document, path) => {
        document.path = path;
      }
    );
    this._notebooks.set(text, found);
    model.changed.connect((_, { stateChange }) => {
      for (const { name, newValue } of stateChange ?? []) {
        if (name === 'path' && typeof newValue === 'string') {
          found.path = newValue;
        }
      }
    });
    text.model.disposed.connect(() => {
      found.provider.dispose();
      model.dispose();
    });
    return found;
  }

  undecided(document: ILiveDocument): readonly IUndecided[] {
    return this._recovering.undecided(document);
  }

  get undecidedChanged(): ISignal<unknown, ILiveDocument> {
    return this._recovering.undecidedChanged;
  }

  decide(document: ILiveDocument, id: string): Promise<void> {
    return this._recovering.decide(document, id);
  }

  forgetDrafts(): Promise<void> {
    forgetKept(window.localStorage);
    return this._recovering.clear();
  }

  unshare(path: string, type: string, why: IWhyNot): IDisposable {
    const at = key(type, path);
    this._unshared.set(at, why);
    return new DisposableDelegate(() => this._unshared.delete(at));
  }

  whyUnshared(path: string, type: string): IWhyNot | null {
    return this._unshared.get(key(type, path)) ?? null;
  }

  /** Return the file's model; its content only where the document is not shared, for the relay fills those. */
  async get(
    path: string,
    options?: Contents.IFetchOptions
  ): Promise<Contents.IModel> {
    const ordinary = { ...options, contentProviderId: undefined };
    const { drive } = this._options;
    if (options?.content === false) {
      // JupyterLab's question before and after each save.
      const model = await this._save(path, () => drive.get(path, ordinary));
      this._news.tell(path, model);
      return model;
    }
    const document = this._documents.at(options?.type ?? '', path);
    if (!document) {
      return drive.get(path, ordinary);
    }
    await firstSync(document);
    await this._options.user.ready;
    if (!document.model.isDisposed) {
      await this._recovering.recover(document);
    }
    // A falsy content leaves the model alone.
    const model = await drive.get(document.path, {
      ...ordinary,
      content: false
    });
    const format = options?.format ?? model.format;
    return { ...this._news.note(document, model), format };
  }

  /** Have the relay write the file; a document that is not shared is written the ordinary way. */
  async save(
    path: string,
    options: Partial<Contents.IModel> & Contents.IContentProvisionOptions = {}
  ): Promise<Contents.IModel> {
    const { drive } = this._options;
    const document = this._documents.at(options.type ?? '', path);
    if (!document) {
      return drive.save(path, { ...options, contentProviderId: undefined });
    }
    const model = await this._saves.orPostpone(document, async () => {
      await document.provider.save();
      return drive.get(document.path, { content: false, hash: true });
    });
    return this._news.note(document, model);
  }

  requestSave(document: ILiveDocument): Promise<void> {
    this._options.connection.wake();
    return this._saves.orPostpone(document, () => document.provider.save());
  }

  private _save<T>(path: string, action: () => Promise<T>): Promise<T> {
    const [document] = this._documents.atPath(path);
    if (!document) {
      return action();
    }
    this._saving.emit(document);
    // Whoever saves is at the keyboard, and is told soon where nobody listens any more.
    this._options.connection.wake();
    return this._saves.orPostpone(document, action);
  }

  private _create(
    options: Contents.ISharedFactoryOptions
  ): ISharedDocument | undefined {
    const { path, format, contentType: type } = options;
    const make = this._factories.get(type);
    const isOrdinary = this._unshared.has(key(type, path));
    if (!make || !options.collaborative || !format || isOrdinary) {
      return undefined;
    }
    const model = make(options);
    this._open(path, format, type, model);
    return model;
  }

  private _open(
    path: string,
    format: string,
    type: string,
    model: YDocument<DocumentChange>
  ): void {
    const document = goLive(
      this._options,
      path,
      format,
      type,
      model,
      (moved, to) => {
        const from = moved.path;
        this._news.renamed(moved, to);
        this._moved.emit({ document: moved, from });
      }
    );
    this._documents.add(document);
    this._news.follow(document);
    this._recovering.follow(document);
    this._saves.follow(document);
    model.disposed.connect(() => {
      this._documents.remove(document);
      this._recovering.forget(document);
      document.provider.dispose();
    });
    this._added.emit(document);
  }

  private _isShared = true;
  private readonly _factories = new Map<string, SharedDocumentFactory>();
  private readonly _documents = new OpenDocuments();
  private readonly _news: FileNews;
  private readonly _recovering: Recovering;
  private readonly _notebooks = new WeakMap<ILiveDocument, ILiveDocument>();
  private readonly _saves = new PostponedSaves();
  private readonly _saving = new Signal<this, ILiveDocument>(this);
  private readonly _unshared = new Map<string, IWhyNot>();
  private readonly _moved = new Signal<ILiveDocuments, IMoved>(this);
  private readonly _added = new Signal<ILiveDocuments, ILiveDocument>(this);
}
