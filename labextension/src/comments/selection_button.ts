/** The small button beside selected text. */

import type { EditorView } from '@codemirror/view';
import { iconButton } from './dom';

/** Milliseconds after which a selection is taken for made. */
const PAUSE = 300;
const SIZE = 26;

/** Where a selection ends on the screen. */
type IEnd = Pick<DOMRect, 'right' | 'top'>;

/** Show it while something is selected. */
export class SelectionButton {
  constructor(label: () => string, act: () => void) {
    this._button = iconButton('add-here', 'addComment', '', () => {
      this.hide();
      act();
    });
    this._button.classList.add('rtcw-AddHere');
    this._button.tabIndex = -1;
    // The selection stays.
    this._button.addEventListener('mousedown', event => event.preventDefault());
    this._label = label;
  }

  /** Follow the selection in an editor, null where there is none. */
  follow(view: EditorView | null): void {
    this.followTo(
      view &&
        (() => {
          const { main } = view.state.selection;
          return main.empty || !view.hasFocus
            ? null
            : view.coordsAtPos(main.to, -1);
        })
    );
  }

  /** Follow a selection that ends where *find* says, null where there is none. */
  followTo(find: (() => IEnd | null) | null): void {
    this.hide();
    if (find) {
      this._timer = setTimeout(() => this._show(find()), PAUSE);
    }
  }

  hide(): void {
    clearTimeout(this._timer);
    this._button.remove();
    document.removeEventListener('scroll', this._onScroll, true);
  }

  private _show(at: IEnd | null): void {
    if (!at) {
      return;
    }
    const label = this._label();
    this._button.title = label;
    this._button.setAttribute('aria-label', label);
    const { style } = this._button;
    const left = Math.min(at.right + 4, window.innerWidth - SIZE - 4);
    style.left = `${left}px`;
    style.top = `${Math.max(2, at.top - SIZE - 2)}px`;
    document.body.append(this._button);
    document.addEventListener('scroll', this._onScroll, true);
  }

  private readonly _onScroll = (): void => this.hide();
  private readonly _button: HTMLButtonElement;
  private readonly _label: () => string;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
