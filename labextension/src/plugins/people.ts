/** Shows who else is in a document: at the cells where they are. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { markCells } from '../presence/cells';
import { Roster } from '../presence/roster';
import { ILiveDocuments } from '../tokens';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:people',
  description: 'Shows who else is in a document, and where.',
  autoStart: true,
  requires: [ILiveDocuments],
  optional: [INotebookTracker, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    const attach = (_: unknown, panel: NotebookPanel) => {
      const live = documents?.find(panel.context.model.sharedModel);
      if (live) {
        markCells(panel, Roster.of(live.model.awareness), trans);
      }
    };
    notebooks?.widgetAdded.connect(attach);
    notebooks?.forEach(panel => attach(notebooks, panel));
  }
};

export default plugin;
