/** The strip above a document that holds texts which could not be merged, until the person has decided. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { IUndecided } from '../tokens';

/** What the strip needs. */
export interface IBannerOptions {
  readonly trans: TranslationBundle;
  /** What inserting does in this document, as the button says it. */
  readonly insertLabel: string;
  /** Whether this person may insert. */
  readonly mayInsert: () => boolean;
  readonly copy: (item: IUndecided) => void;
  readonly insert: (item: IUndecided) => void;
  readonly discard: (item: IUndecided) => void;
}

/** Draw the strip. */
export class UndecidedBanner extends Widget {
  constructor(private readonly _options: IBannerOptions) {
    super({ node: document.createElement('section') });
    this.addClass('rtcw-Undecided');
    const label = _options.trans.__('Typed text that could not be merged');
    this.node.setAttribute('aria-label', label);
    this.node.append(this._rows);
    this.hide();
  }

  override dispose(): void {
    this._resized.disconnect();
    super.dispose();
  }

  /** Show these; nothing where there are none. */
  present(items: readonly IUndecided[]): void {
    const rows = items.map(item => this._row(item));
    this._rows.replaceChildren(...rows);
    this.setHidden(!rows.length);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._resized.observe(this._rows);
  }

  /** A panel gives each widget its smallest height, so it has to be said. */
  private readonly _resized = new ResizeObserver(() => {
    const height = Math.min(this._rows.offsetHeight, window.innerHeight * 0.4);
    this.node.style.minHeight = `${height}px`;
    this.parent?.fit();
  });
  private readonly _rows = document.createElement('div');

  private _row(item: IUndecided): HTMLElement {
    const { trans, insertLabel, mayInsert, copy, insert, discard } =
      this._options;
    const row = document.createElement('div');
    row.className = 'rtcw-Undecided-row';
    const details = document.createElement('details');
    const summary = document.createElement('summary');
    const when = new Date(item.saved).toLocaleString();
    summary.textContent = trans.__(
      'What you typed here until %1 could not be merged. It is kept in this browser until you decide.',
      when
    );
    details.append(summary, ...item.texts.map(({ text }) => textOf(text)));
    const buttons = document.createElement('div');
    buttons.className = 'rtcw-Undecided-buttons';
    buttons.append(button(trans.__('Copy'), () => copy(item)));
    if (mayInsert()) {
      buttons.append(button(insertLabel, () => insert(item)));
    }
    buttons.append(button(trans.__('Discard'), () => discard(item)));
    row.append(details, buttons);
    return row;
  }
}

function textOf(text: string): HTMLElement {
  const pre = document.createElement('pre');
  pre.textContent = text;
  // What scrolls has to be reached by the keyboard.
  pre.tabIndex = 0;
  return pre;
}

function button(label: string, onClick: () => void): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'jp-mod-styled jp-mod-minimal';
  made.textContent = label;
  made.addEventListener('click', onClick);
  return made;
}
