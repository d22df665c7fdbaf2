/** Shows the outputs as trusted that the file is signed with, or that somebody ran, as JupyterLab does with a file that it opens itself. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { type ICellModel, isCodeCellModel } from '@jupyterlab/cells';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ILiveDocuments } from '../tokens';

/** A cell's `trusted` would be written into its metadata, for everybody; its outputs' stays in this tab. */
function trust({ content }: NotebookPanel, ids: ReadonlySet<string>): void {
  for (const cell of content.model?.cells ?? []) {
    if (ids.has(cell.id) && isCodeCellModel(cell)) {
      cell.outputs.trusted = true;
    }
  }
}

/**
 * Trust what somebody runs meanwhile, too: JupyterLab marks it in the document, and looks at the mark of others' runs
 * only when it opens a notebook. Widgets are not shown without.
 */
function followRuns({ content }: NotebookPanel): void {
  const followed = new WeakSet<ICellModel>();
  const follow = () => {
    for (const cell of content.model?.cells ?? []) {
      if (isCodeCellModel(cell) && !followed.has(cell)) {
        followed.add(cell);
        cell.metadataChanged.connect((_, { key, newValue }) => {
          if (key === 'trusted' && newValue === true) {
            cell.outputs.trusted = true;
          }
        });
      }
    }
  };
  follow();
  content.model?.cells.changed.connect(follow);
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
    const opened = (_: unknown, panel: NotebookPanel) =>
      void panel.context.ready.then(() => {
        if (documents?.find(panel.context.model.sharedModel)) {
          followRuns(panel);
        }
      });
    notebooks.widgetAdded.connect(opened);
    notebooks.forEach(panel => opened(notebooks, panel));
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
