/** Tells JupyterLab what becomes of the files behind shared documents: new versions, new names. */

import type { DocumentChange } from '@jupyter/ydoc';
import type { Contents, IContentProvider } from '@jupyterlab/services';
import { type ISignal, Signal } from '@lumino/signaling';
import type { IOpenDocument, OpenDocuments } from './open_documents';

/** Keep JupyterLab's contexts informed, or the next save would ask about a file that changed on disk. */
export class FileNews {
  constructor(
    sender: IContentProvider,
    private readonly _drive: Contents.IDrive,
    private readonly _documents: OpenDocuments
  ) {
    this._fileChanged = new Signal(sender);
    _drive.fileChanged.connect((_, change) => _documents.follow(change));
  }

  get fileChanged(): ISignal<IContentProvider, Contents.IChangedArgs> {
    return this._fileChanged;
  }

  /** Note that JupyterLab gets this model of the file, and return it as it is for this person. */
  note(document: IOpenDocument, model: Contents.IModel): Contents.IModel {
    document.told = version(model);
    return forPerson(document, model);
  }

  /** Tell of the file at `path`, whoever looked at it. */
  tell(path: string, model: Contents.IModel): void {
    for (const document of this._documents.atPath(path)) {
      this._tell(document, model);
    }
  }

  /** Follow what is said of one document. */
  follow(document: IOpenDocument): void {
    const { model, provider } = document;
    const onChanged = (_: unknown, change: DocumentChange): void => {
      for (const { name, newValue } of change.stateChange ?? []) {
        if (name === 'path' && typeof newValue === 'string') {
          this.renamed(document, newValue);
        } else if (name === 'hash' && newValue !== document.told) {
          void this._look(document);
        }
      }
    };
    model.changed.connect(onChanged);
    provider.roleChanged.connect(() => {
      // Not the first role: the model that the content provider returns tells of that one.
      if (document.told !== null) {
        document.told = null;
        void this._look(document);
      }
    });
    provider.eventReceived.connect((_, event) => {
      if (event.name === 'renamed' && typeof event.params.path === 'string') {
        this.renamed(document, event.params.path);
      }
    });
  }

  /** Follow a file to its new path, and take JupyterLab's context along. */
  renamed(document: IOpenDocument, path: string): void {
    const from = document.path;
    if (!this._documents.move(document, path)) {
      return;
    }
    const newValue = { path, name: path.split('/').at(-1) ?? path };
    void this._drive
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

  private async _look(document: IOpenDocument): Promise<void> {
    let model: Contents.IModel;
    try {
      model = await this._drive.get(document.path, {
        content: false,
        hash: true
      });
    } catch {
      // The server is away or the file was moved: there is nothing to tell now, and before each save it is told.
      return;
    }
    this._tell(document, model);
  }

  private _tell(document: IOpenDocument, model: Contents.IModel): void {
    const isNews = document.told !== version(model);
    if (document.provider.state !== 'closed' && isNews) {
      this._fileChanged.emit({
        type: 'save',
        oldValue: null,
        newValue: this.note(document, model)
      });
    }
  }

  private readonly _fileChanged: Signal<
    IContentProvider,
    Contents.IChangedArgs
  >;
}

/** What tells one version of a file from another: its hash, or its date where the server has no hashes. */
function version(model: Contents.IModel): string {
  return model.hash ?? model.last_modified;
}

/** Return the file's model as it is for this person: a viewer's JupyterLab offers no saving. */
function forPerson(
  { provider }: IOpenDocument,
  model: Contents.IModel
): Contents.IModel {
  const isViewer = provider.role !== null && !provider.mayWrite;
  return isViewer ? { ...model, writable: false } : model;
}
