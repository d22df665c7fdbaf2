/** The item in the status bar, or in the top bar: one button that says how the document stands. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { kernelIcon, type LabIcon, usersIcon } from '@jupyterlab/ui-components';
import { BarItem } from '../bar_item';
import type { IShown } from './current';
import { kernelOf, peopleOf } from './words';

/** Draw the item. */
export class StandingItem extends BarItem {
  /** @param _open shows the details beside the button that was pressed. */
  constructor(
    private readonly _trans: TranslationBundle,
    private readonly _open: (button: HTMLElement) => void
  ) {
    super();
    this.addClass('rtcw-Standing');
    const button = this.button;
    button.type = 'button';
    button.className = 'rtcw-Standing-button';
    button.setAttribute('aria-haspopup', 'dialog');
    button.setAttribute('aria-expanded', 'false');
    button.addEventListener('click', () => this._open(button));
    // Read aloud when it changes; the button's own label is read when somebody comes to it.
    this._news.className = 'rtcw-Standing-news';
    this._news.setAttribute('aria-live', 'polite');
    this._news.setAttribute('role', 'status');
    this.node.append(button, this._news);
    this.hide();
  }

  readonly button = document.createElement('button');

  /** Show how a document stands; nothing where there is none. */
  present(shown: IShown | null): void {
    this.setHidden(!shown);
    if (shown) {
      this._refresh(shown);
      this._announce(shown);
    }
    this._before = shown;
  }

  private _refresh(shown: IShown): void {
    const trans = this._trans;
    const { level, title, delay, people, kernel } = shown;
    const parts = [
      title,
      delay,
      people ? peopleOf(people, trans) : '',
      kernelOf(kernel, trans)
    ].filter(Boolean);
    const button = this.button;
    button.dataset['level'] = level;
    button.title = trans.__('Collaboration: %1', parts.join(', '));
    button.setAttribute('aria-label', button.title);
    const dot = span('rtcw-Dot');
    const said = span('rtcw-Standing-title', title);
    const late = span('rtcw-Standing-delay', delay);
    const counts = span('rtcw-Standing-counts');
    if (people) {
      counts.append(icon(usersIcon), span('', String(people)));
    }
    if (kernel) {
      counts.append(icon(kernelIcon));
    }
    button.replaceChildren(dot, said, late, counts);
  }

  /** Say a change of state, not that somebody looks at another document, nor that one has opened. */
  private _announce({ path, title }: IShown): void {
    const before = this._before;
    if (before?.path !== path) {
      this._news.textContent = '';
    } else if (before.title !== title && before.kind !== 'connecting') {
      this._news.textContent = this._trans.__('Collaboration: %1', title);
    }
  }

  private readonly _news = document.createElement('span');
  private _before: IShown | null = null;
}

function span(name: string, text = ''): HTMLElement {
  const element = document.createElement('span');
  element.className = name;
  element.textContent = text;
  element.hidden = !text && name === 'rtcw-Standing-delay';
  return element;
}

function icon(source: LabIcon): HTMLElement {
  const element = source.element({ tag: 'span', className: 'rtcw-Icon' });
  element.setAttribute('aria-hidden', 'true');
  return element;
}
