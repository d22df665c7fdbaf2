/** Which shared documents this tab has open, by type and path, also after renames. */

import type { DocumentChange, ISharedDocument, YDocument } from '@jupyter/ydoc';
import type { Contents } from '@jupyterlab/services';
import type { ILiveDocument } from './tokens';

/** One of them. */
export interface IOpenDocument extends ILiveDocument {
  path: string;
  readonly model: YDocument<DocumentChange>;
  /** The id of its room, empty until the relay has told it. */
  readonly room: string;
  /** Tell whether another room is that of a file at another path; also where the relay cannot be asked. */
  isElsewhere(room: string): Promise<boolean>;
  /** The hash or date of the file that JupyterLab's context was last told. */
  told: string | null;
}

/** Return what names a file opened as one type. */
export function key(type: string, path: string): string {
  return `${type}:${path}`;
}

/** Find open documents. */
export class OpenDocuments {
  add(document: IOpenDocument): void {
    this._documents.set(key(document.type, document.path), document);
  }

  remove(document: IOpenDocument): void {
    const at = key(document.type, document.path);
    // The same file may have been opened again meanwhile.
    if (this._documents.get(at) === document) {
      this._documents.delete(at);
    }
  }

  at(type: string, path: string): IOpenDocument | undefined {
    return this._documents.get(key(type, path));
  }

  atPath(path: string): IOpenDocument[] {
    return [...this._documents.values()].filter(open => open.path === path);
  }

  of(model: ISharedDocument): IOpenDocument | undefined {
    return [...this._documents.values()].find(open => open.model === model);
  }

  /** Note that a document has a new path; tell whether that is news. */
  move(document: IOpenDocument, path: string): boolean {
    if (document.path === path || !path) {
      return false;
    }
    if (this.at(document.type, document.path) === document) {
      this.remove(document);
      document.path = path;
      this.add(document);
    }
    document.path = path;
    return true;
  }

  /** Follow what this tab renames, before the relay tells of it: JupyterLab's contexts follow by themselves. */
  follow({ type, oldValue, newValue }: Contents.IChangedArgs): void {
    const from = oldValue?.path;
    const to = newValue?.path;
    if (type !== 'rename' || !from || !to) {
      return;
    }
    for (const document of [...this._documents.values()]) {
      if (document.path === from) {
        this.move(document, to);
      } else if (document.path.startsWith(`${from}/`)) {
        this.move(document, to + document.path.slice(from.length));
      }
    }
  }

  private readonly _documents = new Map<string, IOpenDocument>();
}
