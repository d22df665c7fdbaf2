/** Locks the editors of a document that this person may not change, or that is not connected any more. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import {
  createReadonlyLabel,
  type IDocumentWidget
} from '@jupyterlab/docregistry';
import { FileEditor, IEditorTracker } from '@jupyterlab/fileeditor';
import { INotebookTracker, Notebook } from '@jupyterlab/notebook';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { Lock } from '../documents/lock';
import { eachShown } from '../each_shown';
import type { Provider } from '../provider';
import { mayWrite } from '../roles';
import { type ILiveDocument, ILiveDocuments } from '../tokens';

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
function label(widget: IDocumentWidget, isViewer: boolean): void {
  const { toolbar } = widget;
  const names = [...toolbar.names()];
  const shown = [...toolbar.children()].filter((_, i) => names[i] === LABEL);
  if (!isViewer) {
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

function isLocked(provider: Provider): boolean {
  return provider.state === 'closed' || isViewer(provider);
}

/** Keep a document's widget as locked as its provider says. */
function follow(widget: IDocumentWidget, provider: Provider): void {
  const { content, context } = widget;
  const { model } = context;
  let wasLocked = false;
  const update = () => {
    const locked = isLocked(provider);
    if (widget.isDisposed || (!locked && !wasLocked)) {
      return;
    }
    wasLocked = locked;
    if (context.isReady) {
      label(widget, isViewer(provider));
    }
    model.readOnly = locked;
    if (content instanceof Notebook) {
      lockNotebook(content, locked);
    } else if (content instanceof FileEditor) {
      content.editor.setOption('readOnly', locked);
    }
    if (locked && model.dirty) {
      // Nothing can be saved, so nobody is to be asked whether to save.
      model.dirty = false;
    }
  };
  provider.roleChanged.connect(update);
  provider.stateChanged.connect(update);
  model.stateChanged.connect(update);
  if (content instanceof Notebook) {
    content.model?.cells.changed.connect(update);
  }
  void context.ready.then(update);
}

/** Return what tells a person that the document is read-only; once, as long as the notice stands there. */
function noticeOf(live: ILiveDocument, trans: TranslationBundle): () => void {
  let id = '';
  return () => {
    if (!id || !Notification.manager.has(id)) {
      const name = PathExt.basename(live.path);
      const message =
        live.provider.role === 'commenter'
          ? trans.__('You may read %1 and comment, but not change it.', name)
          : trans.__('You may read %1 but not change it.', name);
      id = Notification.info(message, { autoClose: 10_000 });
    }
  };
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
    eachShown<IDocumentWidget>(
      documents,
      [notebooks, editors],
      (widget, { provider }) => follow(widget, provider)
    );

    documents.added.connect((_, live) => {
      const { model, provider } = live;
      const tell = noticeOf(live, trans);
      const lock = new Lock(model, () => {
        // A document that ended has said why.
        if (provider.state !== 'closed') {
          tell();
        }
      });
      const update = () => {
        if (isLocked(provider)) {
          lock.lock();
        } else {
          lock.unlock();
        }
      };
      provider.stateChanged.connect(update);
      provider.roleChanged.connect((_, role) => {
        update();
        if (!mayWrite(role)) {
          tell();
        }
      });
    });
  }
};

export default plugin;
