/** How a page speaks to a widget in the kernel: where it can, past the running cell. */

import type { IKernel, IModel } from './model';

/** Says something to the widget. */
export type Say = (message: Readonly<Record<string, unknown>>) => void;

/** Return the best way that this page has. */
export function wayTo(model: IModel): Say {
  return message => {
    const comm = model.get('_in') as string;
    const kernel = model.widget_manager?.kernel;
    if (comm && kernel?.sendControlMessage) {
      toControl(kernel, comm, {
        ...message,
        widget: model.get('_id')
      });
    } else {
      // Waits for the cell that runs, as any widget's doing does.
      model.send(message);
    }
  };
}

/** Send on the control channel, where the kernel hears it while a cell runs. */
function toControl(kernel: IKernel, comm: string, data: unknown): void {
  const sent = kernel.sendControlMessage!(
    {
      channel: 'control',
      header: {
        date: new Date().toISOString(),
        msg_id: unique(),
        msg_type: 'comm_msg',
        session: kernel.clientId,
        username: kernel.username,
        version: '5.3'
      },
      parent_header: {},
      metadata: {},
      content: { comm_id: comm, data },
      buffers: []
    },
    false,
    true
  );
  // Nothing comes back on this channel, and JupyterLab would wait for it.
  sent.dispose();
}

function unique(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map(one => one.toString(16).padStart(2, '0')).join('');
}
