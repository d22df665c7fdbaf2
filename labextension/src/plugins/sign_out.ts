/** Forgets what this browser keeps of what was typed when a person logs out: the next one may be somebody else. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILiveDocuments } from '../tokens';

/** The commands with which JupyterLab and JupyterHub log out. */
const LOG_OUT = ['filemenu:logout', 'hub:logout'];

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:sign-out',
  description: 'Forgets the drafts in this browser when a person logs out.',
  autoStart: true,
  requires: [ILiveDocuments],
  activate: (
    { commands }: JupyterFrontEnd,
    documents: ILiveDocuments | null
  ) => {
    commands.commandExecuted.connect((_, { id }) => {
      if (LOG_OUT.includes(id)) {
        void documents?.forgetDrafts();
      }
    });
  }
};

export default plugin;
