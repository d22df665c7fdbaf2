/** What the popup shows: how the document stands, who is here, the kernel, and a button for each cure. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { faceOf } from '../presence/face';
import { paint } from '../presence/identity';
import type { IParticipant } from '../presence/people';
import { aboutOf, type IWhere } from '../presence/words';
import type { IShown } from './current';
import { type Cure, peopleOf } from './words';

/** What a kernel runs to take part. */
export const LOAD = '%load_ext rtc_widgets';

/** What the details need of the current document. */
export interface IDetailsOptions {
  readonly trans: TranslationBundle;
  readonly perform: (cure: Cure) => void;
  readonly jump: (key: string) => void;
  readonly insert: () => void;
  readonly copy: () => void;
  /** Return where a cell is, null where it is not there. */
  readonly whereIs: (cell: string) => IWhere | null;
}

/** People who are listed; the others are counted. */
const MOST = 8;

/** Draw the details into an element; a button that has the focus keeps it. */
export function drawDetails(
  into: HTMLElement,
  shown: IShown,
  participants: readonly IParticipant[],
  options: IDetailsOptions
): void {
  const focused = (document.activeElement as HTMLElement | null)?.dataset['id'];
  const parts = [
    head(shown),
    ...shown.sentences.map(sentence => element('p', '', sentence)),
    cures(shown, options),
    people(shown, participants, options),
    kernel(shown, options)
  ].filter(part => part !== null);
  into.replaceChildren(...parts);
  if (focused) {
    const again = into.querySelector<HTMLElement>(`[data-id="${focused}"]`);
    (again ?? into).focus();
  }
}

function head({ level, title, delay, path }: IShown): HTMLElement {
  const row = element('div', 'rtcw-Details-head');
  row.dataset['level'] = level;
  row.append(
    element('span', 'rtcw-Dot'),
    element('strong', '', title),
    element('span', 'rtcw-Details-path', path.split('/').at(-1) ?? path)
  );
  if (!delay) {
    return row;
  }
  const both = element('div', '');
  both.append(row, element('div', 'rtcw-Details-delay', delay));
  return both;
}

function cures(
  { cures }: IShown,
  { trans, perform }: IDetailsOptions
): HTMLElement | null {
  if (!cures.length) {
    return null;
  }
  const labels: Readonly<Record<Cure, string>> = {
    reconnect: trans.__('Reconnect Now'),
    'sign-in': trans.__('Sign In'),
    save: trans.__('Save Now'),
    'copy-text': trans.__('Copy My Text'),
    'open-again': trans.__('Open Again'),
    reload: trans.__('Reload the Page'),
    download: trans.__('Download a Copy'),
    settings: trans.__('Open Settings')
  };
  const row = element('div', 'rtcw-Details-cures');
  row.append(
    ...cures.map((cure, index) =>
      button(cure, labels[cure], index === 0, made => {
        perform(cure);
        if (cure === 'copy-text') {
          made.textContent = trans.__('Copied');
        }
      })
    )
  );
  return row;
}

function people(
  { people: count }: IShown,
  participants: readonly IParticipant[],
  { trans, jump, whereIs }: IDetailsOptions
): HTMLElement | null {
  if (!count) {
    return null;
  }
  const section = element('section', 'rtcw-Details-people');
  const others = participants.filter(({ isKernel }) => !isKernel);
  section.append(
    element(
      'h3',
      '',
      others.length ? peopleOf(count, trans) : trans.__('Nobody else is here')
    )
  );
  for (const who of participants.slice(0, MOST)) {
    const [name = '', ...about] = aboutOf(who, whereIs, trans);
    const row = button(`jump-${who.key}`, '', false, () => jump(who.key));
    row.className = 'rtcw-Details-person rtcw-Person';
    paint(row, who.color);
    const text = element('span', 'rtcw-Details-name', name);
    const more = element('span', 'rtcw-Details-about', about.join(' · '));
    row.append(faceOf(who), text, more);
    section.append(row);
  }
  const rest = participants.length - MOST;
  if (rest > 0) {
    section.append(element('div', '', trans.__('%1 more', rest)));
  }
  return section;
}

function kernel(
  { kernel: linked, mayWrite }: IShown,
  { trans, insert, copy }: IDetailsOptions
): HTMLElement | null {
  if (linked !== false) {
    return null;
  }
  const section = element('section', 'rtcw-Details-kernel');
  const row = element('div', 'rtcw-Details-load');
  row.append(element('code', '', LOAD));
  if (mayWrite) {
    row.append(button('insert', trans.__('Insert'), false, insert));
  }
  row.append(
    button('copy', trans.__('Copy'), false, made => {
      copy();
      made.textContent = trans.__('Copied');
    })
  );
  section.append(
    element('h3', '', trans.__('Kernel not linked')),
    element(
      'p',
      '',
      trans.__('To read and edit this notebook from its code, run:')
    ),
    row
  );
  return section;
}

function button(
  id: string,
  text: string,
  isFirst: boolean,
  act: (button: HTMLElement) => void
): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = `rtcw-Button${isFirst ? ' rtcw-mod-first' : ''}`;
  made.dataset['id'] = id;
  made.textContent = text;
  made.addEventListener('click', () => act(made));
  return made;
}

function element(tag: string, name: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}
