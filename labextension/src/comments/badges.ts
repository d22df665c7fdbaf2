/** At each cell and output with open comments: how many, and the way to them. */

import { type Cell, CodeCell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IShownThread } from './asked';
import { element } from './dom';
import type { CommentSession } from './session';
import type { INews } from './shared';

/** Keep the cells of a notebook marked, until it is closed. */
export function countAtCells(
  { content: notebook, context }: NotebookPanel,
  session: CommentSession,
  pick: (thread: string) => void,
  trans: TranslationBundle
): void {
  const { places, private: own } = session;
  const shown = new WeakMap<Cell, string>();
  const update = (among: INews['cells'] = null) => {
    if (notebook.isDisposed) {
      return;
    }
    for (const cell of notebook.widgets) {
      if (among && !among.has(cell.model.id)) {
        continue;
      }
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
      if (!(cell instanceof CodeCell)) {
        continue;
      }
      if (!cell.isPlaceholder()) {
        countAtOutputs(cell, here, session, pick, trans);
      } else if (here.length) {
        // It was never on the screen, and has no outputs there yet.
        void cell.ready.then(() =>
          countAtOutputs(cell, here, session, pick, trans)
        );
      }
    }
  };
  places.changed.connect((_, { cells }) => update(cells));
  own.changed.connect(() => update());
  void context.ready.then(() => {
    update();
    // After the notebook has made the widgets of new cells.
    notebook.model?.cells.changed.connect(() => queueMicrotask(() => update()));
  });
}

/** Mark what a cell put out; what an earlier run put out is told of below, for there is nothing of it left to mark. */
function countAtOutputs(
  { outputArea }: CodeCell,
  threads: readonly IShownThread[],
  { places, private: own }: CommentSession,
  pick: (thread: string) => void,
  trans: TranslationBundle
): void {
  const groups = new Map<HTMLElement, Map<string, IShownThread[]>>();
  for (const thread of threads) {
    const { state, output, run } = places.of(thread.id)!;
    const isEarlier = state === 'earlier';
    const at = isEarlier ? outputArea : outputArea.widgets[output ?? -1];
    if (at && (output !== null || isEarlier)) {
      const group = groups.get(at.node) ?? new Map<string, IShownThread[]>();
      const key = isEarlier ? String(run ?? '') : 'now';
      group.set(key, [...(group.get(key) ?? []), thread]);
      groups.set(at.node, group);
    }
  }
  const nodes = [outputArea, ...outputArea.widgets].map(({ node }) => node);
  for (const node of nodes) {
    const group = [...(groups.get(node) ?? [])];
    const what = JSON.stringify(
      group.map(([key, here]) => [
        key,
        here.map(one => [one.id, own.isUnread(one)])
      ])
    );
    if (what === (node.dataset['rtcwThreads'] ?? '[]')) {
      continue;
    }
    node.dataset['rtcwThreads'] = what;
    node
      .querySelectorAll(':scope > .rtcw-OutputComments')
      .forEach(one => one.remove());
    for (const [key, here] of group) {
      const isUnread = here.some(one => own.isUnread(one));
      const act = () => pick(here[0]!.id);
      const made = badge(here.length, isUnread, act, trans);
      made.classList.replace('rtcw-CellComments', 'rtcw-OutputComments');
      if (key !== 'now') {
        made.classList.add('rtcw-mod-earlier');
        made.textContent = earlier(here.length, key, trans);
        made.removeAttribute('aria-label');
      }
      node.append(made);
    }
  }
}

function earlier(count: number, run: string, trans: TranslationBundle): string {
  const comments = trans._n('%1 comment', '%1 comments', count);
  return run
    ? trans.__('%1 about an earlier run (In [%2])', comments, run)
    : trans.__('%1 about an earlier run', comments);
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
