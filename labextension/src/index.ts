/** The JupyterLab extension: its plugins, and nothing else. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import provider from './plugins/provider';

export * from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [provider];

export default plugins;
