/** The notice in a tab: a line of text with buttons, which goes by itself. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, kernelIcon, type LabIcon } from '@jupyterlab/ui-components';
import { Widget } from '@lumino/widgets';

/** Milliseconds for which it stays after the last news. */
const STAYS = 8_000;
/** Milliseconds after which it goes though there is always news. */
const MOST = 20_000;

/** One button. */
export interface IOffer {
  readonly label: string;
  readonly act: () => void;
}

/** Draw the notice over the lower edge of a document. */
export class Notice extends Widget {
  /**
   * @param _gone hears that it went, by itself or by its button.
   * @param about says by a picture what it is about.
   */
  constructor(
    trans: TranslationBundle,
    private readonly _gone: () => void = () => undefined,
    about: LabIcon = kernelIcon
  ) {
    super();
    this.addClass('rtcw-Notice');
    this._text.className = 'rtcw-Notice-text';
    this._text.setAttribute('role', 'status');
    const icon = about.element({ tag: 'span', className: 'rtcw-Icon' });
    icon.setAttribute('aria-hidden', 'true');
    const close = document.createElement('button');
    close.type = 'button';
    close.className = 'rtcw-Notice-close';
    close.title = trans.__('Dismiss');
    close.setAttribute('aria-label', close.title);
    closeIcon.element({ container: close, height: '12px', width: '12px' });
    close.addEventListener('click', () => this._go());
    this._buttons.className = 'rtcw-Notice-buttons';
    this.node.append(icon, this._text, this._buttons, close);
    this.hide();
  }

  /** Say something; what is said again stays on. */
  say(text: string, offers: readonly IOffer[]): void {
    const labels = offers.map(({ label }) => label).join();
    this._offers = offers;
    if (this._buttons.dataset['labels'] !== labels) {
      this._buttons.dataset['labels'] = labels;
      const isFocused = this._buttons.contains(document.activeElement);
      this._buttons.replaceChildren(
        ...offers.map(({ label }, index) => {
          const button = document.createElement('button');
          button.type = 'button';
          button.className = 'rtcw-Button';
          button.textContent = label;
          button.addEventListener('click', () => this._offers[index]?.act());
          return button;
        })
      );
      if (isFocused) {
        this._buttons.querySelector('button')?.focus();
      }
    }
    if (this._text.textContent !== text) {
      this._text.textContent = text;
    }
    const now = Date.now();
    if (this.isHidden) {
      this._since = now;
    }
    this.show();
    this._wait(Math.min(STAYS, this._since + MOST - now));
  }

  /** Take it away, without a word. */
  clear(): void {
    clearTimeout(this._timer);
    this._watch?.disconnect();
    this.hide();
  }

  override dispose(): void {
    this.clear();
    this.node.remove();
    super.dispose();
  }

  private _go(): void {
    this.clear();
    this._gone();
  }

  private _wait(duration: number): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      const { node } = this;
      const isHeld =
        node.matches(':hover') || node.contains(document.activeElement);
      if (isHeld) {
        this._wait(STAYS);
      } else if (node.checkVisibility()) {
        this._go();
      } else {
        // In a tab behind another one it waits to be seen.
        this._waitToBeSeen();
      }
    }, duration);
  }

  private _waitToBeSeen(): void {
    this._watch?.disconnect();
    this._watch = new IntersectionObserver(entries => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) {
        this._watch?.disconnect();
        this._wait(STAYS);
      }
    });
    this._watch.observe(this.node);
  }

  private readonly _text = document.createElement('span');
  private readonly _buttons = document.createElement('span');
  private _offers: readonly IOffer[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _watch: IntersectionObserver | null = null;
  private _since = 0;
}
