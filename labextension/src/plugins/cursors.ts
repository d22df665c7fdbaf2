/** Shows others' cursors and selections in the editors of shared documents. */

import type { YFile } from '@jupyter/ydoc';
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  EditorExtensionRegistry,
  IEditorExtensionRegistry
} from '@jupyterlab/codemirror';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { cursors } from '../cursors/extension';
import { ILiveDocuments } from '../tokens';

const ID = 'rtc-widgets:cursors';

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: "Shows others' cursors and selections, with names.",
  autoStart: true,
  requires: [ILiveDocuments, IEditorExtensionRegistry],
  optional: [ISettingRegistry],
  activate: async (
    _: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    extensions: IEditorExtensionRegistry,
    registry: ISettingRegistry | null
  ) => {
    if (!documents) {
      return;
    }
    extensions.addExtension({
      name: 'rtc-widgets:cursors',
      factory: ({ model }) => {
        const { sharedModel } = model;
        // Cells and files have them; what else may be in an editor need not.
        const { awareness, ysource } = sharedModel as Partial<YFile>;
        return awareness && ysource?.doc
          ? EditorExtensionRegistry.createImmutableExtension(
              cursors(awareness, ysource)
            )
          : null;
      }
    });
    const settings = await registry?.load(ID);
    const apply = () => {
      const { dataset } = document.body;
      dataset['rtcwCursors'] = settings?.composite['cursors'] ? 'on' : 'off';
      dataset['rtcwNames'] = settings?.composite['names'] ? 'on' : 'off';
    };
    settings?.changed.connect(apply);
    if (settings) {
      apply();
    }
  }
};

export default plugin;
