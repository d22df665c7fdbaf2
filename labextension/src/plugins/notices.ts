/** Shows what the relay has to say to a person (docs/protocol.md, section 3.5, `notice`), and where a file has gone. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ILiveDocuments } from '../tokens';
import { type Level, toast } from './toast';

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
    const show = (level: Level, message: string, autoClose: number | false) => {
      const before = shown.get(message);
      if (before === undefined || !Notification.manager.has(before)) {
        shown.set(message, toast(level, message, trans, { autoClose }));
      }
    };
    documents?.added.connect((_, { provider }) => {
      provider.eventReceived.connect((_, { name, params }) => {
        const { message } = params;
        if (name === 'notice' && typeof message === 'string') {
          const level = LEVELS.find(known => known === params.level) ?? 'info';
          show(level, trans.__(message), level === 'info' ? 10_000 : false);
        }
      });
    });
    documents?.moved.connect((_, { document: { path }, from }) =>
      show(
        'info',
        trans.__(
          '%1 was renamed while this page was away: it is %2 now.',
          from,
          path
        ),
        false
      )
    );
  }
};

export default plugin;
