/** Locks the editors of a document that this person may not change, or that is not connected any more. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  createReadonlyLabel,
  type IDocumentWidget
} from '@jupyterlab/docregistry';
import { FileEditor, IEditorTracker } from '@jupyterlab/fileeditor';
import { INotebookTracker, Notebook } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ILink } from '../channels/link';
import { Lock } from '../documents/lock';
import { eachShown } from '../each_shown';
import type { Provider } from '../provider';
import { mayWrite } from '../roles';
import { isBarred } from '../standing/watch';
import { type ILiveDocument, ILiveDocuments } from '../tokens';
import { type Right, RightsNotice } from './rights_notice';

function lockNotebook(notebook: Notebook, locked: boolean): void {
  for (const cell of notebook.widgets) {
    // Otherwise JupyterLab would write the lock into the cell's metadata; and it reads it back from there.
    cell.syncEditable = !locked;
    if (locked) {
      cell.readOnly = true;
    }
  }
}

/** The name that JupyterLab gives the toolbar's label of a file that cannot be written. */
const LABEL = 'read-only-indicator';

/** Show that label or take it away; JupyterLab itself looks only once, when the document opens. */
function label(widget: IDocumentWidget, isReadOnly: boolean): void {
  const { toolbar } = widget;
  const names = [...toolbar.names()];
  const shown = [...toolbar.children()].filter((_, i) => names[i] === LABEL);
  if (!isReadOnly) {
    shown.forEach(item => item.dispose());
  } else if (!shown.length) {
    const item = createReadonlyLabel(widget);
    if (!toolbar.insertBefore('kernelName', LABEL, item)) {
      toolbar.addItem(LABEL, item);
    }
  }
}

function isViewer({ role }: Provider): boolean {
  return role !== null && !mayWrite(role);
}

function isLocked(live: ILiveDocument, link: ILink): boolean {
  const { provider } = live;
  return (
    provider.state === 'closed' || isViewer(provider) || isBarred(live, link)
  );
}

/** Return what this person may do with a document; null for one that ended, which has said why. */
function rightTo(live: ILiveDocument, link: ILink): Right | null {
  const { role, state } = live.provider;
  if (state === 'closed') {
    return null;
  }
  return isBarred(live, link) ? 'none' : role;
}

/** Call `update` whenever something may be allowed, or is not any more. */
function onRights(
  { model, provider }: ILiveDocument,
  link: ILink,
  update: () => void
): void {
  provider.roleChanged.connect(update);
  provider.stateChanged.connect(update);
  link.statusChanged.connect(update);
  // The link stays when the document goes.
  model.disposed.connect(() => link.statusChanged.disconnect(update));
}

/** Keep a document's widget as locked as its provider says. */
function follow(
  widget: IDocumentWidget,
  live: ILiveDocument,
  link: ILink
): void {
  const { provider } = live;
  const { content, context } = widget;
  const { model } = context;
  let wasLocked = false;
  const update = () => {
    const locked = isLocked(live, link);
    if (widget.isDisposed || (!locked && !wasLocked)) {
      return;
    }
    wasLocked = locked;
    if (context.isReady) {
      label(widget, isViewer(provider) || isBarred(live, link));
    }
    model.readOnly = locked;
    if (content instanceof Notebook) {
      lockNotebook(content, locked);
    } else if (content instanceof FileEditor) {
      content.editor.setOption('readOnly', locked);
    }
    if (locked && model.dirty && !isBarred(live, link)) {
      // Nothing can be saved, so nobody is to be asked whether to save.
      model.dirty = false;
    }
  };
  onRights(live, link, update);
  model.stateChanged.connect(update);
  if (content instanceof Notebook) {
    content.model?.cells.changed.connect(update);
  }
  void context.ready.then(update);
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:read-only',
  description: 'Makes documents read-only for those who may not change them.',
  autoStart: true,
  requires: [ILiveDocuments],
  optional: [INotebookTracker, IEditorTracker, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    notebooks: INotebookTracker | null,
    editors: IEditorTracker | null,
    translator: ITranslator | null
  ) => {
    if (!documents) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    const { link } = documents;
    eachShown<IDocumentWidget>(
      documents,
      [notebooks, editors],
      (widget, live) => follow(widget, live, link)
    );

    documents.added.connect((_, live) => {
      const notice = new RightsNotice(live, trans);
      const lock = new Lock(live.model, () => notice.tell());
      onRights(live, link, () => {
        if (isLocked(live, link)) {
          lock.lock();
        } else {
          lock.unlock();
        }
        notice.set(rightTo(live, link));
      });
      live.model.disposed.connect(() => notice.dispose());
    });
  }
};

export default plugin;
