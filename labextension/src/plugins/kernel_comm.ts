/** Lets a kernel that has nothing but comms keep the one on which it talks to the relay. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';
import { KERNEL_TARGET } from '../protocol/kernel';

/** JupyterLab closes a comm whose target nobody knows. This one is the relay's: there is nothing to do here. */
const leaveAlone = (): void => undefined;

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:kernel-comm',
  description: 'Leaves a kernel its comm with the relay.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_: JupyterFrontEnd, notebooks: INotebookTracker) => {
    const know = (kernel: Kernel.IKernelConnection | null | undefined) =>
      kernel?.registerCommTarget(KERNEL_TARGET, leaveAlone);
    notebooks.widgetAdded.connect((_, { sessionContext }) => {
      sessionContext.kernelChanged.connect((_, { newValue }) => know(newValue));
      know(sessionContext.session?.kernel);
    });
  }
};

export default plugin;
