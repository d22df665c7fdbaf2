/** Tells, beside the document, in which cell this person is and as which client of the kernel this tab runs code. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Awareness } from 'y-protocols/awareness';
import { eachShown } from '../each_shown';
import { ILiveDocuments } from '../tokens';

function follow(panel: NotebookPanel, awareness: Awareness): void {
  const { content, context, sessionContext } = panel;
  const tell = () => {
    const state = awareness.getLocalState();
    // A tab that is leaving says nothing any more.
    if (panel.isDisposed || !state) {
      return;
    }
    const now = {
      activeCell: content.activeCell?.model.id ?? null,
      session: sessionContext.session?.kernel?.clientId ?? null
    };
    if (
      state['activeCell'] !== now.activeCell ||
      state['session'] !== now.session
    ) {
      awareness.setLocalState({ ...state, ...now });
    }
  };
  content.activeCellChanged.connect(tell);
  sessionContext.kernelChanged.connect(tell);
  void context.ready.then(tell);
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:whereabouts',
  description: 'Tells others in which cell this person is.',
  autoStart: true,
  requires: [ILiveDocuments, INotebookTracker],
  activate: (
    _: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    notebooks: INotebookTracker
  ) => {
    if (documents) {
      eachShown(documents, [notebooks], (panel, { model }) =>
        follow(panel, model.awareness)
      );
    }
  }
};

export default plugin;
