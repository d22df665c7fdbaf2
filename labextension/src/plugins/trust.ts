/** Shows the outputs as trusted that the file is signed with, as JupyterLab does with a file that it opens itself. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { isCodeCellModel } from '@jupyterlab/cells';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ILiveDocuments } from '../tokens';

/** A cell's `trusted` would be written into its metadata, where the relay takes it out again; its outputs' stays here. */
function trust({ content }: NotebookPanel, ids: ReadonlySet<string>): void {
  for (const cell of content.model?.cells ?? []) {
    if (ids.has(cell.id) && isCodeCellModel(cell)) {
      cell.outputs.trusted = true;
    }
  }
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:trust',
  description: 'Shows outputs as trusted that the server has signed.',
  autoStart: true,
  requires: [ILiveDocuments, INotebookTracker],
  activate: (
    _: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    notebooks: INotebookTracker
  ) => {
    documents?.added.connect((_, { model, provider }) => {
      provider.eventReceived.connect((_, { name, params }) => {
        const { cells } = params;
        if (name !== 'trusted' || !Array.isArray(cells)) {
          return;
        }
        const ids = new Set(cells.filter(id => typeof id === 'string'));
        const panel = notebooks.find(
          ({ context }) => context.model.sharedModel === model
        );
        if (panel) {
          void panel.context.ready.then(() => trust(panel, ids));
          return;
        }
        // The first event comes while the notebook is still being opened.
        const opened = (_: unknown, added: NotebookPanel) => {
          if (added.context.model.sharedModel === model) {
            notebooks.widgetAdded.disconnect(opened);
            void added.context.ready.then(() => trust(added, ids));
          }
        };
        notebooks.widgetAdded.connect(opened);
        provider.closed.connect(() => notebooks.widgetAdded.disconnect(opened));
      });
    });
  }
};

export default plugin;
