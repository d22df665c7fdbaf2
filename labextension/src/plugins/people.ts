/** Shows who else is in a document: at the cells where they are, in the top bar, and in the command palette. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { DisposableSet } from '@lumino/disposable';
import { Menu } from '@lumino/widgets';
import { eachShown, shownInFront } from '../each_shown';
import { PeopleBar } from '../presence/bar';
import { markCells } from '../presence/cells';
import { CurrentPeople } from '../presence/current';
import { jump, whereIs } from '../presence/jump';
import { Roster } from '../presence/roster';
import { nameOf } from '../presence/words';
import { ILiveDocuments } from '../tokens';

/** The command that goes to somebody. */
export const JUMP = 'rtc-widgets:jump-to';
/** The command that goes to one after the other; schema/people.json gives it a key. */
const JUMP_NEXT = 'rtc-widgets:jump-to-next';
/** The place in the row, as schema/people.json has it. */
const RANK = 90;

function addJump(
  { commands, shell }: JupyterFrontEnd,
  current: CurrentPeople,
  trans: TranslationBundle
): void {
  commands.addCommand(JUMP, {
    label: ({ key }) => {
      const who = current.find(key);
      return who
        ? trans.__('Jump to %1', nameOf(who, trans))
        : trans.__('Jump to Somebody in This Document');
    },
    caption: trans.__('Show where a person or a kernel is in this document'),
    isEnabled: ({ key }) => current.find(key) !== undefined,
    describedBy: {
      args: {
        type: 'object',
        properties: {
          key: {
            type: 'string',
            description: 'The username of a person who has the document open'
          }
        },
        required: ['key']
      }
    },
    execute: async ({ key }) => {
      const who = current.find(key);
      if (who && current.widget && current.awareness) {
        shell.activateById(current.widget.id);
        await jump(current.widget, who, current.awareness);
      }
    }
  });
}

/** Go from one participant to the next, and around. */
function addJumpNext(
  { commands }: JupyterFrontEnd,
  current: CurrentPeople,
  trans: TranslationBundle
): void {
  let last: string | undefined;
  commands.addCommand(JUMP_NEXT, {
    label: trans.__('Jump to the Next Collaborator'),
    caption: trans.__('Show where the next person or kernel is'),
    isEnabled: () => current.participants.length > 0,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: async () => {
      const keys = current.participants.map(({ key }) => key);
      last = keys[(keys.indexOf(last ?? '') + 1) % keys.length];
      await commands.execute(JUMP, { key: last });
    }
  });
}

function makeBar(
  { commands }: JupyterFrontEnd,
  current: CurrentPeople,
  trans: TranslationBundle
): PeopleBar {
  const bar = new PeopleBar({
    trans,
    whereIs: cell => whereIs(current.widget, cell),
    jump: key => void commands.execute(JUMP, { key }),
    openMore: (keys, button) => {
      const menu = new Menu({ commands });
      keys.forEach(key => menu.addItem({ command: JUMP, args: { key } }));
      const { left, bottom } = button.getBoundingClientRect();
      menu.aboutToClose.connect(() => button.focus());
      menu.open(left, bottom);
    }
  });
  const update = () => bar.present(current.participants);
  current.changed.connect(update);
  bar.disposed.connect(() => current.changed.disconnect(update));
  update();
  return bar;
}

/** Keep a command in the palette for each participant. */
function listIn(
  palette: ICommandPalette,
  current: CurrentPeople,
  trans: TranslationBundle
): void {
  const category = trans.__('Real-Time Collaboration');
  palette.addItem({ command: JUMP_NEXT, category });
  let shown = '';
  let items = new DisposableSet();
  const update = () => {
    const { participants } = current;
    const now = JSON.stringify(
      participants.map(({ key, name }) => [key, name])
    );
    if (now !== shown) {
      shown = now;
      items.dispose();
      items = DisposableSet.from(
        participants.map(({ key }) =>
          palette.addItem({ command: JUMP, category, args: { key } })
        )
      );
    }
  };
  current.changed.connect(update);
  update();
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:people',
  description: 'Shows who else is in a document, and where.',
  autoStart: true,
  requires: [ILiveDocuments],
  optional: [
    INotebookTracker,
    IToolbarWidgetRegistry,
    ICommandPalette,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    notebooks: INotebookTracker | null,
    toolbars: IToolbarWidgetRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    const current = new CurrentPeople();
    const make = () => makeBar(app, current, trans);
    // Where documents are not shared the bar stays, and stays empty: the toolbar's settings name it.
    toolbars?.addFactory('TopBar', 'rtc-widgets-people', () =>
      make().standIn(app, RANK, make)
    );
    if (!documents) {
      return;
    }
    eachShown(documents, [notebooks], (panel, { model }) =>
      markCells(panel, Roster.of(model.awareness), trans)
    );

    const follow = () => {
      const shown = shownInFront(app.shell, documents);
      current.follow(
        shown?.widget ?? null,
        shown?.live.model.awareness ?? null
      );
    };
    app.shell.currentChanged?.connect(follow);
    documents.added.connect(() => queueMicrotask(follow));
    void app.restored.then(follow);
    addJump(app, current, trans);
    addJumpNext(app, current, trans);
    current.changed.connect(() => app.commands.notifyCommandChanged(JUMP_NEXT));
    if (palette) {
      listIn(palette, current, trans);
    }
  }
};

export default plugin;
