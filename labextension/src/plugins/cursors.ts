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
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { cursors } from '../cursors/extension';
import { ILiveDocuments } from '../tokens';

const ID = 'rtc-widgets:cursors';

/** Offer to switch what the settings hold. */
function addToggles(
  { commands }: JupyterFrontEnd,
  settings: ISettingRegistry.ISettings,
  palette: ICommandPalette | null,
  trans: TranslationBundle
): void {
  const category = trans.__('Real-Time Collaboration');
  const labels = {
    cursors: trans.__("Show Collaborators' Cursors"),
    names: trans.__("Show Names at Collaborators' Cursors")
  };
  for (const [key, label] of Object.entries(labels)) {
    const command = `rtc-widgets:toggle-${key}`;
    commands.addCommand(command, {
      label,
      isToggleable: true,
      isToggled: () => settings.composite[key] === true,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => settings.set(key, settings.composite[key] !== true)
    });
    settings.changed.connect(() => commands.notifyCommandChanged(command));
    palette?.addItem({ command, category });
  }
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: "Shows others' cursors and selections, with names.",
  autoStart: true,
  requires: [ILiveDocuments, IEditorExtensionRegistry],
  optional: [ISettingRegistry, ICommandPalette, ITranslator],
  activate: async (
    app: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    extensions: IEditorExtensionRegistry,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
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
      const trans = (translator ?? nullTranslator).load('rtc_widgets');
      addToggles(app, settings, palette, trans);
    }
  }
};

export default plugin;
