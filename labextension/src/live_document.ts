/** Makes a shared model live: a provider that keeps it in step, and this person in its awareness. */

import type { DocumentChange, YDocument } from '@jupyter/ydoc';
import type { User } from '@jupyterlab/services';
import type { IConnection } from './channels/channel';
import type { IOpenDocument } from './open_documents';
import { Provider } from './provider';
import { type Fetch, openRoom } from './rooms';

/** What documents are made live with. */
export interface ILiveOptions {
  readonly fetch: Fetch;
  readonly connection: IConnection;
  readonly user: User.IManager;
}

/** Connect a model to the room of its file; who asked for it disposes the provider. */
export function goLive(
  { fetch, connection, user }: ILiveOptions,
  path: string,
  format: string,
  type: string,
  model: YDocument<DocumentChange>
): IOpenDocument {
  const provider: Provider = new Provider({
    doc: model.ydoc,
    awareness: model.awareness,
    connection,
    type,
    join: () => openRoom(fetch, document.path, format, type, provider.hasSynced)
  });
  const document: IOpenDocument = { path, type, model, provider, told: null };
  const introduce = () =>
    model.awareness.setLocalStateField('user', user.identity);
  void user.ready.then(introduce);
  user.userChanged.connect(introduce);
  const leave = () => provider.leave();
  window.addEventListener('pagehide', leave);
  model.disposed.connect(() => {
    window.removeEventListener('pagehide', leave);
    user.userChanged.disconnect(introduce);
  });
  return document;
}
