/** Shows what the relay has to say to a person (docs/protocol.md, section 3.5, `notice`), and where a file has gone. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { YNotebook } from '@jupyter/ydoc';
import { conflictsOf, type IConflict } from '../conflicts/conflicts';
import { showConflicts } from '../conflicts/show';
import { toCell } from '../presence/jump';
import { type ILiveDocument, ILiveDocuments } from '../tokens';
import { type Level, toast } from './toast';

const LEVELS = ['info', 'warning', 'error'] as const;

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:notices',
  description: "Shows the relay's notices as notifications.",
  autoStart: true,
  requires: [ILiveDocuments],
  optional: [ITranslator, INotebookTracker],
  activate: (
    { shell }: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    translator: ITranslator | null,
    notebooks: INotebookTracker | null
  ) => {
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    // A notice that repeats, or comes for each open document, is shown once as long as it stands there.
    const shown = new Map<string, string>();
    const show = (
      level: Level,
      message: string,
      autoClose: number | false,
      actions: Notification.IAction[] = [],
      key = message
    ) => {
      const before = shown.get(key);
      if (before === undefined || !Notification.manager.has(before)) {
        shown.set(key, toast(level, message, trans, { autoClose, actions }));
      }
    };
    const compare = (
      { model, path }: ILiveDocument,
      conflicts: readonly IConflict[]
    ) => {
      const numberOf = (id: string) => {
        const cells = model instanceof YNotebook ? model.cells : [];
        return cells.findIndex(cell => cell.getId() === id) + 1 || null;
      };
      const go = (id: string) => {
        const panel = notebooks?.find(
          ({ context }) => context.model.sharedModel === model
        );
        if (panel) {
          shell.activateById(panel.id);
          void toCell(panel.content, [id]);
        }
      };
      void showConflicts({ trans, path, conflicts, numberOf, go });
    };
    documents?.added.connect((_, live) => {
      live.provider.eventReceived.connect((_, { name, params }) => {
        const { message } = params;
        if (name !== 'notice' || typeof message !== 'string') {
          return;
        }
        const level = LEVELS.find(known => known === params.level) ?? 'info';
        const conflicts = conflictsOf(params.conflicts);
        const action: Notification.IAction = {
          label: trans.__('Compare'),
          caption: trans.__('Show what was here and what was in the file'),
          callback: event => {
            // The notice stays, to compare once more.
            event.preventDefault();
            compare(live, conflicts);
          }
        };
        show(
          level,
          trans.__(message),
          level === 'info' ? 10_000 : false,
          conflicts.length ? [action] : [],
          // The sentence is the same for the next conflict in the file, and what is to be compared is not.
          conflicts.length ? JSON.stringify([message, conflicts]) : message
        );
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
