/** Shows what the relay has to say to a person (docs/protocol.md, section 3.5, `notice`). */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ILiveDocuments } from '../tokens';
import { toast } from './toast';

const LEVELS = ['info', 'warning', 'error'] as const;

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:notices',
  description: "Shows the relay's notices as notifications.",
  autoStart: true,
  requires: [ILiveDocuments],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    // A notice that repeats, or comes for each open document, is shown once as long as it stands there.
    const shown = new Map<string, string>();
    documents?.added.connect((_, { provider }) => {
      provider.eventReceived.connect((_, { name, params }) => {
        const { message } = params;
        if (name !== 'notice' || typeof message !== 'string') {
          return;
        }
        const level = LEVELS.find(known => known === params.level) ?? 'info';
        const before = shown.get(message);
        if (before === undefined || !Notification.manager.has(before)) {
          shown.set(
            message,
            toast(level, trans.__(message), trans, {
              autoClose: level === 'info' ? 10_000 : false
            })
          );
        }
      });
    });
  }
};

export default plugin;
