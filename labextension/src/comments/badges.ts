/** At each cell with open comments: how many, and the way to them. */

import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { element } from './dom';
import type { CommentSession } from './session';

/** Keep the cells of a notebook marked, until it is closed. */
export function countAtCells(
  { content: notebook, context }: NotebookPanel,
  session: CommentSession,
  pick: (thread: string) => void,
  trans: TranslationBundle
): void {
  const { places, private: own } = session;
  const shown = new WeakMap<Cell, string>();
  const update = () => {
    if (notebook.isDisposed) {
      return;
    }
    for (const cell of notebook.widgets) {
      const here = places
        .at(cell.model.id)
        .filter(({ state }) => state === 'open');
      const isUnread = here.some(one => own.isUnread(one));
      const what = JSON.stringify([here.map(({ id }) => id), isUnread]);
      if (what !== (shown.get(cell) ?? '[[],false]')) {
        shown.set(cell, what);
        cell.node.querySelector(':scope > .rtcw-CellComments')?.remove();
        cell.node.classList.toggle('rtcw-mod-commented', here.length > 0);
        if (here.length) {
          const next = () => pick(here[0]!.id);
          cell.node.append(badge(here.length, isUnread, next, trans));
        }
      }
    }
  };
  places.changed.connect(update);
  own.changed.connect(update);
  void context.ready.then(() => {
    update();
    // After the notebook has made the widgets of new cells.
    notebook.model?.cells.changed.connect(() => queueMicrotask(update));
  });
}

function badge(
  count: number,
  isUnread: boolean,
  act: () => void,
  trans: TranslationBundle
): HTMLElement {
  const made = element('button', 'rtcw-CellComments', String(count));
  made.type = 'button';
  made.classList.toggle('rtcw-mod-unread', isUnread);
  const label = trans._n('%1 comment', '%1 comments', count);
  made.title = label;
  made.setAttribute('aria-label', label);
  made.addEventListener('mousedown', event => event.preventDefault());
  made.addEventListener('click', event => {
    event.stopPropagation();
    act();
  });
  return made;
}
