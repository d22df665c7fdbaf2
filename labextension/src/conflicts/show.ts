/** Shows what was changed in a document and in its file at once, side by side. */

import { Dialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { button, element } from '../comments/dom';
import { type IConflict, kindOf } from './conflicts';

/** What the conflicts are shown with. */
export interface IConflictsOptions {
  readonly trans: TranslationBundle;
  readonly path: string;
  readonly conflicts: readonly IConflict[];
  /** Return the number of a cell, null where it is none of the document that is shown. */
  readonly numberOf: (cell: string) => number | null;
  /** Go to a cell. */
  readonly go: (cell: string) => void;
}

/** Show the conflicts in a dialog. */
export async function showConflicts(options: IConflictsOptions): Promise<void> {
  const { trans, path, numberOf } = options;
  const place = ({ name }: IConflict) => numberOf(name) ?? Infinity;
  const conflicts = [...options.conflicts].sort(
    // Infinity - Infinity is not a number.
    (one, two) => place(one) - place(two) || 0
  );
  const node = element('div', 'rtcw-Conflicts');
  const body = new Widget({ node });
  const dialog = new Dialog({
    title: trans.__('Changed here and in the file: %1', path),
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })],
    focusNodeSelector: '.jp-mod-accept'
  });
  const { drawDiff } = await import('./diff');
  const views = conflicts.flatMap(conflict => {
    const { section, place: into } = draw(conflict, options, () =>
      dialog.reject()
    );
    node.append(section);
    const { here, there } = conflict;
    return into && typeof here === 'string' && typeof there === 'string'
      ? [drawDiff(into, here, there, trans)]
      : [];
  });
  // JupyterLab 4.4's dialogs take Enter from all buttons but their own, before anybody in them hears of it.
  const keep = (event: KeyboardEvent) => {
    const { key, target } = event;
    const isButton = target instanceof HTMLButtonElement;
    if (key === 'Enter' && isButton && node.contains(target)) {
      event.stopPropagation();
    }
  };
  document.addEventListener('keydown', keep, true);
  try {
    await dialog.launch();
  } finally {
    document.removeEventListener('keydown', keep, true);
    views.forEach(view => view.destroy());
  }
}

function draw(
  conflict: IConflict,
  { trans, numberOf, go }: IConflictsOptions,
  close: () => void
): { section: HTMLElement; place: HTMLElement | null } {
  const section = element('section', 'rtcw-Conflict');
  const number = numberOf(conflict.name);
  const title =
    number !== null
      ? trans.__('Cell %1', number)
      : conflict.name === 'metadata'
        ? trans.__('The notebook’s metadata')
        : conflict.name === 'source'
          ? trans.__('Text')
          : trans.__('A cell that is not here any more');
  const head = element('div', 'rtcw-Conflict-head');
  head.append(element('h3', '', title));
  if (number !== null) {
    const show = button('go', trans.__('Show'), () => {
      close();
      go(conflict.name);
    });
    show.className = 'jp-Button jp-mod-styled jp-mod-minimal';
    show.setAttribute('aria-label', trans.__('Show cell %1', number));
    head.append(show);
  }
  section.append(head);
  section.setAttribute('aria-label', title);
  const [words, text] = explain(conflict, trans);
  section.append(element('p', '', words));
  if (text !== null) {
    section.append(element('pre', 'rtcw-Conflict-text', text));
  }
  if (kindOf(conflict) !== 'texts') {
    return { section, place: null };
  }
  const names = element('div', 'rtcw-Conflict-sides');
  names.append(
    element('span', '', trans.__('Here')),
    element('span', '', trans.__('In the file'))
  );
  const place = element('div', 'rtcw-Conflict-diff');
  section.append(names, place);
  return { section, place };
}

/** Say what became of a conflict, and return the text that only one side has. */
function explain(
  conflict: IConflict,
  trans: TranslationBundle
): [string, string | null] {
  const { here, there } = conflict;
  switch (kindOf(conflict)) {
    case 'deleted-here':
      return [
        trans.__(
          'It was deleted here and changed in the file, so it is here again.'
        ),
        there ?? null
      ];
    case 'deleted-there':
      return [
        trans.__('It was deleted in the file and changed here, so it stays.'),
        here ?? null
      ];
    case 'texts':
      return [
        trans.__(
          'The lines that both changed stand one below the other now: delete those that you do not want.'
        ),
        null
      ];
    case 'values':
      return [
        trans.__(
          'Its outputs or metadata differ, not its text. Those from here stay.'
        ),
        null
      ];
  }
}
