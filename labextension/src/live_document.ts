/** Makes a shared model live: a provider that keeps it in step, this person in its awareness, and what is said about it. */

import type { DocumentChange, YDocument } from '@jupyter/ydoc';
import type { User } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { IConnection } from './channels/channel';
import { Discussion, personOf } from './comments/discussion';
import { adoptAsked, halfWrittenAt, keptAt } from './comments/kept';
import { ThreadDocument } from './comments/thread_document';
import { nameOf } from './drafts/whose';
import { type IOpenDocument, key } from './open_documents';
import { Provider } from './provider';
import { type Fetch, isElsewhere, Joins, openRoom } from './rooms';

/** What documents are made live with. */
export interface ILiveOptions {
  readonly fetch: Fetch;
  readonly connection: IConnection;
  readonly user: User.IManager;
  /** The server's base URL. */
  readonly server: string;
}

/** Documents of which one was just let go: what was asked there and not answered is for the others of its room. */
const left = new Signal<object, string>({});

/**
 * Connect a model to the room of its file; who asked for it disposes the provider.
 *
 * @param moved called where the file was moved while the connection was away, with where it is now.
 */
export function goLive(
  { fetch, connection, user, server }: ILiveOptions,
  path: string,
  format: string,
  type: string,
  model: YDocument<DocumentChange>,
  moved: (document: IOpenDocument, path: string) => void
): IOpenDocument {
  let room = '';
  const joins = new Joins(async () => {
    const { path } = document;
    const wanted = { path, format, type, room };
    const found = await openRoom(fetch, wanted, provider.hasSynced);
    const isFollowed = room === found.room && path !== found.path;
    room = found.room;
    // What has moved once more meanwhile was followed by other news.
    if (isFollowed && path === document.path) {
      moved(document, found.path);
    }
    return found;
  });
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
    kept: keptAt(window.localStorage, () => whose()),
    me: () => personOf({ ...user.identity })
  });
  const whose = () => ({
    who: `${nameOf(user.identity)}@${server}`,
    room,
    at: key(type, document.path)
  });
  const isKnown = Promise.all([user.ready, provider.synced]);
  // A document that does not come is told of by others.
  isKnown.catch(() => undefined);
  const document: IOpenDocument = {
    path,
    type,
    model,
    provider,
    discussion,
    halfWritten: halfWrittenAt(window.localStorage, whose, isKnown),
    told: null,
    get room() {
      return room;
    },
    isElsewhere: one => {
      const wanted = { path: document.path, format, type, room: one };
      // Without an answer it is left for another time.
      return isElsewhere(fetch, wanted).catch(() => true);
    }
  };
  const restore = async () => {
    await isKnown;
    const { isElsewhere } = document;
    await adoptAsked(window.localStorage, whose(), isElsewhere);
    if (!model.isDisposed) {
      discussion.restore();
    }
  };
  const takeOver = (_: unknown, other: string) => {
    if (other === room) {
      discussion.restore();
    }
  };
  left.connect(takeOver);
  const introduce = () =>
    model.awareness.setLocalStateField('user', user.identity);
  void user.ready.then(introduce);
  restore().catch(() => undefined);
  user.userChanged.connect(introduce);
  const leave = () => provider.leave();
  window.addEventListener('pagehide', leave);
  model.disposed.connect(() => {
    window.removeEventListener('pagehide', leave);
    user.userChanged.disconnect(introduce);
    discussion.dispose();
    left.disconnect(takeOver);
    left.emit(room);
    replica.dispose();
    awareness.destroy();
    annotations.destroy();
  });
  return document;
}
