/** Provides the place where it is noted why documents are not shared. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Sharing } from '../sharing';
import { ISharing } from '../tokens';

const plugin: JupyterFrontEndPlugin<Sharing> = {
  id: 'rtc-widgets:sharing',
  description: 'Knows why documents are not shared, where they are not.',
  provides: ISharing,
  activate: () => new Sharing()
};

export default plugin;
