/** Lets undo of cells keep what others have typed into them. */

import { YNotebook } from '@jupyter/ydoc';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { keepOthersText } from '../documents/own_undo';
import { ILiveDocuments } from '../tokens';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:own-undo',
  description: "Keeps others' text when cells are undone.",
  autoStart: true,
  requires: [ILiveDocuments],
  activate: (_: JupyterFrontEnd, documents: ILiveDocuments | null) => {
    documents?.added.connect((_, { model }) => {
      if (model instanceof YNotebook) {
        keepOthersText(model);
      }
    });
  }
};

export default plugin;
