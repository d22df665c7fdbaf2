/** Opens the settings; Notebook 7 has them in the page with the files, so there. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';

const EDITOR = 'settingeditor:open';
const QUERY = { query: 'Real-Time Collaboration' };
/** In the address of a page that is to open them. */
const HASH = '#rtc-settings';

/** Show the settings of rtc_widgets. */
export function openSettings(commands: JupyterFrontEnd['commands']): void {
  if (commands.hasCommand(EDITOR)) {
    void commands.execute(EDITOR, QUERY);
  } else {
    window.open(URLExt.join(PageConfig.getBaseUrl(), 'tree') + HASH);
  }
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:settings',
  description: 'Opens the settings where the address of a page asks for them.',
  autoStart: true,
  activate: ({ commands, restored }: JupyterFrontEnd) => {
    if (window.location.hash === HASH) {
      void restored.then(() => {
        if (commands.hasCommand(EDITOR)) {
          openSettings(commands);
        }
      });
    }
  }
};

export default plugin;
