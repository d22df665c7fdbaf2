/** The row of faces in the top bar: who else has the current document open. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { BarItem } from '../bar_item';
import { faceOf } from './face';
import { paint } from './identity';
import type { IParticipant } from './people';
import { aboutOf, type IWhere } from './words';

/** What the row needs of the current document. */
export interface IBarOptions {
  readonly trans: TranslationBundle;
  /** Return where a cell is, null where it is not there. */
  readonly whereIs: (cell: string) => IWhere | null;
  /** Go to where a participant is. */
  readonly jump: (key: string) => void;
  /** Offer those for whom there is no room, below the button that was pressed. */
  readonly openMore: (keys: readonly string[], button: HTMLElement) => void;
}

/** Faces that are shown; the others are counted. */
const MOST = 5;

/** Draw the faces. */
export class PeopleBar extends BarItem {
  constructor(private readonly _options: IBarOptions) {
    super();
    this.addClass('rtcw-Bar');
    this.node.setAttribute('role', 'group');
    const label = _options.trans.__('Others in this document');
    this.node.setAttribute('aria-label', label);
    this.hide();
  }

  /** Show these participants; nothing where there are none. */
  present(participants: readonly IParticipant[]): void {
    const fits = participants.length <= MOST + 1;
    const shown = fits ? participants : participants.slice(0, MOST);
    const rest = participants.slice(shown.length);
    const keys = new Set(shown.map(({ key }) => key));
    for (const [key, button] of this._buttons) {
      if (!keys.has(key)) {
        button.remove();
        this._buttons.delete(key);
      }
    }
    // Buttons stay as they are, for one of them may have the focus.
    shown.forEach((who, index) => {
      const button = this._buttons.get(who.key) ?? this._make(who.key);
      this._refresh(button, who);
      const at = this.node.children[index];
      if (at !== button) {
        this.node.insertBefore(button, at ?? null);
      }
    });
    this._count(rest);
    this.setHidden(!participants.length);
  }

  private _make(key: string): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'rtcw-Person rtcw-Avatar';
    button.addEventListener('click', () => this._options.jump(key));
    this._buttons.set(key, button);
    return button;
  }

  private _refresh(button: HTMLButtonElement, who: IParticipant): void {
    const { trans, whereIs } = this._options;
    const [name, ...about] = aboutOf(who, whereIs, trans);
    const label = [name, ...about].join(', ');
    const says =
      who.status || (who.places.find(({ text }) => text)?.text ?? '');
    const { color, initials, picture } = who;
    const what = JSON.stringify([label, color, initials, picture, says]);
    if (button.dataset['what'] === what) {
      return;
    }
    button.dataset['what'] = what;
    paint(button, who.color);
    button.title = [name, about.join(' · ')].filter(Boolean).join('\n');
    button.setAttribute('aria-label', label);
    button.replaceChildren(faceOf(who));
    if (says) {
      const text = document.createElement('span');
      text.className = 'rtcw-Avatar-says';
      text.textContent = says;
      button.append(text);
    }
  }

  private _count(rest: readonly IParticipant[]): void {
    if (!rest.length) {
      this._more?.remove();
      this._more = null;
      return;
    }
    const { trans, openMore } = this._options;
    if (!this._more) {
      const more = document.createElement('button');
      more.type = 'button';
      more.className = 'rtcw-Avatar rtcw-Avatar-more';
      more.setAttribute('aria-haspopup', 'menu');
      more.addEventListener('click', () => openMore(this._rest, more));
      this._more = more;
    }
    this._rest = rest.map(({ key }) => key);
    this._more.textContent = `+${rest.length}`;
    this._more.setAttribute('aria-label', trans.__('%1 more', rest.length));
    this._more.title = rest.map(({ name }) => name).join('\n');
    this.node.append(this._more);
  }

  private readonly _buttons = new Map<string, HTMLButtonElement>();
  private _rest: readonly string[] = [];
  private _more: HTMLButtonElement | null = null;
}
