/** The line above a notebook's text that says why the text is not in the notebook, and what to do. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { IProblem } from './text_state';

/** Milliseconds: who types is on the way through many texts that are no notebook. */
const PATIENCE = 800;

/** What the buttons do. */
export interface INoticeOptions {
  readonly trans: TranslationBundle;
  /** Show the place in the editor. */
  readonly jump: (problem: IProblem) => void;
  /** Give up what was typed. */
  readonly discard: () => void;
}

/** Show a problem that lasts. */
export class TextNotice extends Widget {
  constructor(private readonly _options: INoticeOptions) {
    super();
    const { trans } = _options;
    this.addClass('rtcw-TextNotice');
    // There from the beginning: what is in a live region when it appears is not read out.
    this._words.className = 'rtcw-TextNotice-words';
    this._words.setAttribute('role', 'status');
    this._jump = button();
    this._jump.addEventListener('click', () => {
      if (this._shown) {
        _options.jump(this._shown);
      }
    });
    this._discard = button();
    this._discard.textContent = trans.__("Show the Notebook's Text Again");
    this._discard.title = trans.__(
      'Take away what was typed here and is not in the notebook'
    );
    this._discard.addEventListener('click', () => _options.discard());
    this._content.className = 'rtcw-TextNotice-content';
    this._content.append(this._words, this._jump, this._discard);
    this.node.append(this._content);
    this._show(null);
  }

  /**
   * Say what is wrong, after a while; or at once that nothing is.
   *
   * @param mayWrite whether this person can do something about it.
   */
  present(problem: IProblem | null, mayWrite: boolean): void {
    clearTimeout(this._timer);
    this._mayWrite = mayWrite;
    if (problem) {
      this._timer = setTimeout(() => this._show(problem), PATIENCE);
    } else {
      this._show(null);
    }
  }

  protected override onResize(): void {
    this._grow();
  }

  override dispose(): void {
    clearTimeout(this._timer);
    super.dispose();
  }

  private _show(problem: IProblem | null): void {
    const { trans } = this._options;
    this._shown = problem;
    this.toggleClass('rtcw-mod-shown', problem !== null);
    this._jump.hidden = !problem;
    this._discard.hidden = !problem || !this._mayWrite;
    this._words.textContent = '';
    if (!problem) {
      this._grow();
      return;
    }
    const { line, column, message } = problem;
    const what = document.createElement('strong');
    what.textContent = trans.__(
      'This text is not a notebook at the moment, so the notebook stays as it was.'
    );
    const where = document.createElement('span');
    where.textContent = trans.__(
      'Line %1, column %2: %3',
      line,
      column,
      trans.__(message)
    );
    this._words.append(what, ' ', where);
    this._jump.textContent = trans.__('Go to Line %1', line);
    this._grow();
  }

  /** Be as high as what is in it: the layout around it knows least heights only. */
  private _grow(): void {
    const wanted = this._shown ? `${this._content.offsetHeight}px` : '0';
    if (wanted !== this._height) {
      this._height = wanted;
      this.node.style.minHeight = wanted;
      this.parent?.fit();
    }
  }

  private readonly _content = document.createElement('div');
  private readonly _words = document.createElement('div');
  private readonly _jump: HTMLButtonElement;
  private readonly _discard: HTMLButtonElement;
  private _shown: IProblem | null = null;
  private _mayWrite = false;
  private _height = '0';
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

function button(): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'rtcw-TextNotice-button';
  return made;
}
