/** Marks the cells of a notebook where others are: a coloured edge, initials, and what a kernel points out. */

import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { faceOf } from './face';
import { paint } from './identity';
import type { IParticipant, IPlace } from './people';
import type { Roster } from './roster';
import { doing, nameOf } from './words';

/** One participant at one cell. */
interface IMark {
  readonly who: IParticipant;
  readonly place: IPlace;
}

/** Faces that are shown at one cell; the others are counted. */
const MOST = 3;

/** Keep the cells of a notebook marked, until it is closed. */
export function markCells(
  { content: notebook, context }: NotebookPanel,
  roster: Roster,
  trans: TranslationBundle
): void {
  const shown = new WeakMap<Cell, string>();
  const update = () => {
    if (notebook.isDisposed) {
      return;
    }
    const marks = byCell(roster.participants);
    for (const cell of notebook.widgets) {
      const here = marks.get(cell.model.id) ?? [];
      const what = JSON.stringify(here);
      if (what !== (shown.get(cell) ?? '[]')) {
        shown.set(cell, what);
        mark(cell, here, trans);
      }
    }
  };
  roster.changed.connect(update);
  notebook.disposed.connect(() => roster.changed.disconnect(update));
  void context.ready.then(() => {
    update();
    // After the notebook has made the widgets of new cells.
    notebook.model?.cells.changed.connect(() => queueMicrotask(update));
  });
}

function byCell(participants: readonly IParticipant[]): Map<string, IMark[]> {
  const found = new Map<string, IMark[]>();
  for (const who of participants) {
    const seen = new Set<string>();
    for (const place of who.places) {
      // Who points to the cell that it runs is there once.
      if (!seen.has(place.cell)) {
        seen.add(place.cell);
        const marks = found.get(place.cell) ?? [];
        found.set(place.cell, [...marks, { who, place }]);
      }
    }
  }
  return found;
}

function mark(
  { node }: Cell,
  marks: readonly IMark[],
  trans: TranslationBundle
): void {
  node.querySelector(':scope > .rtcw-Place')?.remove();
  node.classList.toggle('rtcw-mod-shared', marks.length > 0);
  if (!marks.length) {
    return;
  }
  const place = document.createElement('div');
  place.className = 'rtcw-Place';
  const edge = document.createElement('div');
  edge.className = 'rtcw-Place-edge';
  edge.append(
    ...marks.map(({ who }) => {
      const part = document.createElement('div');
      part.className = 'rtcw-Person';
      paint(part, who.color);
      return part;
    })
  );
  const badges = document.createElement('div');
  badges.className = 'rtcw-Place-badges';
  badges.append(...marks.slice(0, MOST).map(one => badge(one, trans)));
  const more = marks.slice(MOST);
  if (more.length) {
    const count = document.createElement('div');
    count.className = 'rtcw-Place-more';
    count.textContent = `+${more.length}`;
    count.title = more.map(({ who }) => nameOf(who, trans)).join('\n');
    badges.append(count);
  }
  place.append(edge, badges);
  node.append(place);
  // The cell's own buttons stand beside, not under.
  requestAnimationFrame(() =>
    node.style.setProperty('--rtcw-badges', `${badges.offsetWidth}px`)
  );
}

function badge({ who, place }: IMark, trans: TranslationBundle): HTMLElement {
  const element = document.createElement('div');
  element.className = 'rtcw-Person rtcw-Badge';
  element.dataset['kind'] = place.kind;
  paint(element, who.color);
  const label = `${nameOf(who, trans)}: ${doing(place, null, trans)}`;
  element.title = label;
  element.setAttribute('role', 'img');
  element.setAttribute('aria-label', label);
  element.append(faceOf(who));
  if (place.text) {
    const text = document.createElement('span');
    text.className = 'rtcw-Badge-text';
    text.textContent = place.text;
    element.append(text);
  }
  return element;
}
