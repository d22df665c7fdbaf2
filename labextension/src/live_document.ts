/** Makes a shared model live: a provider that keeps it in step, this person in its awareness, and what is said about it. */

import type { DocumentChange, YDocument } from '@jupyter/ydoc';
import type { User } from '@jupyterlab/services';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { IConnection } from './channels/channel';
import { Discussion, personOf } from './comments/discussion';
import { keptAt } from './comments/kept';
import { ThreadDocument } from './comments/thread_document';
import { nameOf } from './drafts/whose';
import type { IOpenDocument } from './open_documents';
import { Provider } from './provider';
import { type Fetch, Joins, openRoom } from './rooms';

/** What documents are made live with. */
export interface ILiveOptions {
  readonly fetch: Fetch;
  readonly connection: IConnection;
  readonly user: User.IManager;
  /** The server's base URL. */
  readonly server: string;
}

/**
 * Connect a model to the room of its file; who asked for it disposes the provider.
 *
 * @param keptAs under which type what this person asked for is kept until it is done.
 */
export function goLive(
  { fetch, connection, user, server }: ILiveOptions,
  path: string,
  format: string,
  type: string,
  model: YDocument<DocumentChange>,
  keptAs = type
): IOpenDocument {
  const joins = new Joins(() =>
    openRoom(fetch, document.path, format, type, provider.hasSynced)
  );
  const provider: Provider = new Provider({
    doc: model.ydoc,
    awareness: model.awareness,
    connection,
    type,
    join: joins.content
  });
  const annotations = new Y.Doc();
  const awareness = new Awareness(annotations);
  awareness.setLocalState(null);
  const replica = new Provider({
    doc: annotations,
    awareness,
    connection,
    type: 'annotations',
    isReplica: true,
    // The content first: that is what the person waits for.
    join: () => provider.synced.then(joins.annotations)
  });
  const discussion = new Discussion({
    source: new ThreadDocument(annotations),
    replica,
    content: provider,
    kept: keptAt(
      window.localStorage,
      () => `${nameOf(user.identity)}@${server}#${keptAs}:${path}`
    ),
    me: () => personOf({ ...user.identity })
  });
  const document: IOpenDocument = {
    path,
    type,
    model,
    provider,
    discussion,
    told: null
  };
  const introduce = () =>
    model.awareness.setLocalStateField('user', user.identity);
  void user.ready.then(introduce);
  void user.ready.then(() => discussion.restore());
  user.userChanged.connect(introduce);
  const leave = () => provider.leave();
  window.addEventListener('pagehide', leave);
  model.disposed.connect(() => {
    window.removeEventListener('pagehide', leave);
    user.userChanged.disconnect(introduce);
    discussion.dispose();
    replica.dispose();
    awareness.destroy();
    annotations.destroy();
  });
  return document;
}
