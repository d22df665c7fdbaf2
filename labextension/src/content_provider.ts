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
  SharedDocumentFactory,
  User
} from '@jupyterlab/services';
import { DisposableDelegate, type IDisposable } from '@lumino/disposable';
import { type ISignal, Signal } from '@lumino/signaling';
import type { IConnection } from './channels/channel';
import { applyToFile, applyToNotebook } from './documents/recovery';
import type { IUnsaved } from './documents/unacknowledged';
import { NotConnected } from './errors';
import { type IOpenDocument, key, OpenDocuments } from './open_documents';
import { Provider } from './provider';
import { type Fetch, openRoom } from './rooms';
import type { ILiveDocument, ILiveDocuments, IRecovered } from './tokens';

/** The id that widget factories name us by. */
export const CONTENT_PROVIDER = 'rtc_widgets';

/** Milliseconds; a document that has not arrived by then is reported instead of a spinner that never ends. */
const FIRST_SYNC = 60_000;

/** What a content provider is made of. */
export interface IContentProviderOptions {
  readonly drive: Contents.IDrive;
  readonly fetch: Fetch;
  readonly connection: IConnection;
  readonly user: User.IManager;
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
    _options.drive.fileChanged.connect((_, change) =>
      this._documents.follow(change)
    );
  }

  readonly sharedModelFactory: Contents.ISharedFactory;

  get fileChanged(): ISignal<IContentProvider, Contents.IChangedArgs> {
    return this._fileChanged;
  }

  get added(): ISignal<ILiveDocuments, ILiveDocument> {
    return this._added;
  }

  get recovered(): ISignal<ILiveDocuments, IRecovered> {
    return this._recovered;
  }

  find(model: ISharedDocument): ILiveDocument | undefined {
    return this._documents.of(model);
  }

  keep(path: string, type: string, unsaved: readonly IUnsaved[]): void {
    const kept = this._kept.get(key(type, path)) ?? [];
    this._kept.set(key(type, path), [...kept, ...unsaved]);
  }

  unshare(path: string, type: string): IDisposable {
    const at = key(type, path);
    this._unshared.add(at);
    return new DisposableDelegate(() => this._unshared.delete(at));
  }

  /** Return the file's model; its content only where the document is not shared, for the relay fills those. */
  async get(
    path: string,
    options?: Contents.IFetchOptions
  ): Promise<Contents.IModel> {
    const ordinary = { ...options, contentProviderId: undefined };
    const { drive } = this._options;
    if (options?.content === false) {
      const model = await drive.get(path, ordinary);
      this._tellAll(path, model);
      return model;
    }
    const document = this._documents.at(options?.type ?? '', path);
    if (!document) {
      return drive.get(path, ordinary);
    }
    await this._synced(document);
    if (!document.model.isDisposed) {
      this._recover(document);
    }
    // A falsy content leaves the model alone.
    const model = await drive.get(document.path, {
      ...ordinary,
      content: false
    });
    document.told = version(model);
    const format = options?.format ?? model.format;
    return { ...forPerson(document, model), format };
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
    await document.provider.save();
    const model = await drive.get(document.path, {
      content: false,
      hash: true
    });
    document.told = version(model);
    return forPerson(document, model);
  }

  private _create(
    options: Contents.ISharedFactoryOptions
  ): ISharedDocument | undefined {
    const { path, format, contentType: type } = options;
    const make = this._factories.get(type);
    // A notebook that is opened as text would be a second writer of the same file.
    const isTextOfNotebook = type === 'file' && /\.ipynb$/i.test(path);
    const isOrdinary = isTextOfNotebook || this._unshared.has(key(type, path));
    if (!make || !options.collaborative || !format || isOrdinary) {
      return undefined;
    }
    const model = make(options);
    this._attach(path, format, type, model);
    return model;
  }

  private _attach(
    path: string,
    format: string,
    type: string,
    model: YDocument<DocumentChange>
  ): void {
    const { fetch, connection, user } = this._options;
    const provider = new Provider({
      doc: model.ydoc,
      awareness: model.awareness,
      connection,
      type,
      join: () => openRoom(fetch, document.path, format, type)
    });
    const document: IOpenDocument = { path, type, model, provider, told: null };
    this._documents.add(document);

    const introduce = () =>
      model.awareness.setLocalStateField('user', user.identity);
    void user.ready.then(introduce);
    user.userChanged.connect(introduce);
    const leave = () => provider.leave();
    window.addEventListener('pagehide', leave);
    const onChanged = (_: unknown, change: DocumentChange): void => {
      for (const { name, newValue } of change.stateChange ?? []) {
        if (name === 'path' && typeof newValue === 'string') {
          this._renamed(document, newValue);
        } else if (name === 'hash' && newValue !== document.told) {
          void this._tell(document);
        }
      }
    };
    model.changed.connect(onChanged);
    provider.roleChanged.connect(() => {
      // Not the first role: the model that `get` returns tells of that one.
      if (document.told !== null) {
        document.told = null;
        void this._tell(document);
      }
    });
    provider.eventReceived.connect((_, event) => {
      if (event.name === 'renamed' && typeof event.params.path === 'string') {
        this._renamed(document, event.params.path);
      }
    });
    model.disposed.connect(() => {
      window.removeEventListener('pagehide', leave);
      user.userChanged.disconnect(introduce);
      provider.dispose();
      this._documents.remove(document);
    });
    this._added.emit(document);
  }

  private async _synced(document: IOpenDocument): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new NotConnected(
              'The document could not be opened for collaboration: the connection to the server failed. ' +
                'Check the network and that WebSockets are let through, then open the file again.'
            )
          ),
        FIRST_SYNC
      );
    });
    try {
      await Promise.race([document.provider.synced, late]);
    } catch (error) {
      // Who closes a tab while it loads need not be told that it did not load.
      if (!document.model.isDisposed) {
        throw error;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  private _recover(document: IOpenDocument): void {
    const at = key(document.type, document.path);
    const kept = this._kept.get(at);
    this._kept.delete(at);
    const { model } = document;
    if (!kept?.length) {
      return;
    }
    if (!document.provider.mayWrite) {
      this._recovered.emit({ document, added: 0, left: kept });
    } else if (model instanceof YNotebook) {
      const { added, left } = applyToNotebook(model, kept);
      this._recovered.emit({ document, added, left });
    } else if (model instanceof YFile) {
      const { added, left } = applyToFile(model, kept);
      this._recovered.emit({ document, added, left });
    }
  }

  /** Tell JupyterLab that the relay wrote the file, or the next save would ask about a file that changed on disk. */
  private async _tell(document: IOpenDocument): Promise<void> {
    let model: Contents.IModel;
    try {
      model = await this._options.drive.get(document.path, {
        content: false,
        hash: true
      });
    } catch {
      // The server is away or the file was moved: there is nothing to tell now, and `get` tells before each save.
      return;
    }
    this._tellOne(document, model);
  }

  private _tellAll(path: string, model: Contents.IModel): void {
    for (const document of this._documents.atPath(path)) {
      this._tellOne(document, model);
    }
  }

  private _tellOne(document: IOpenDocument, model: Contents.IModel): void {
    const now = version(model);
    if (document.provider.state === 'closed' || document.told === now) {
      return;
    }
    document.told = now;
    this._fileChanged.emit({
      type: 'save',
      oldValue: null,
      newValue: forPerson(document, model)
    });
  }

  /** Follow a file to its new path, and take JupyterLab's context along. */
  private _renamed(document: IOpenDocument, path: string): void {
    const from = document.path;
    if (!this._documents.move(document, path)) {
      return;
    }
    const newValue = { path, name: path.split('/').at(-1) ?? path };
    void this._options.drive
      .get(path, { content: false, hash: true })
      .catch(() => newValue)
      .then(model => {
        this._fileChanged.emit({
          type: 'rename',
          oldValue: { path: from },
          newValue: model
        });
      });
  }

  private _isShared = true;
  private readonly _factories = new Map<string, SharedDocumentFactory>();
  private readonly _documents = new OpenDocuments();
  private readonly _unshared = new Set<string>();
  private readonly _kept = new Map<string, IUnsaved[]>();
  private readonly _added = new Signal<ILiveDocuments, ILiveDocument>(this);
  private readonly _recovered = new Signal<ILiveDocuments, IRecovered>(this);
  private readonly _fileChanged = new Signal<
    IContentProvider,
    Contents.IChangedArgs
  >(this);
}

/** What tells one version of a file from another: its hash, or its date where the server has no hashes. */
function version(model: Contents.IModel): string {
  return model.hash ?? model.last_modified;
}

/** Return the file's model as it is for this person: a viewer's JupyterLab offers no saving. */
function forPerson(
  { provider }: ILiveDocument,
  model: Contents.IModel
): Contents.IModel {
  const isViewer = provider.role !== null && !provider.mayWrite;
  return isViewer ? { ...model, writable: false } : model;
}
