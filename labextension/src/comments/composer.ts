/** Where a comment is written: a field that grows, completes names behind an `@`, and loses nothing. */

import { faceOf } from '../presence/face';
import { paint } from '../presence/identity';
import { button, element } from './dom';
import { holdFocus } from './focus';
import {
  type IMentionable,
  type IQuery,
  mentionsIn,
  queryAt,
  suggest
} from './mentions';
import type { Words } from './shared';

/** What a composer needs. */
export interface IComposerOptions {
  readonly trans: Words;
  /** What is written here, read aloud and shown while it is empty. */
  readonly label: string;
  readonly text: string;
  readonly people: () => readonly IMentionable[];
  /** Look for more of them, whose names begin so; tells whether there are. */
  readonly find?: (query: string) => Promise<boolean> | undefined;
  /** What to do with the text; the first by Ctrl+Enter. */
  readonly actions: readonly IAction[];
  /** The text changed. */
  readonly typed?: (text: string) => void;
  /** The person does not want to write now; the text is kept. */
  readonly cancelled: () => void;
}

/** What can be done with the text. */
export interface IAction {
  readonly id: string;
  readonly label: string;
  readonly act: (text: string, mentions: readonly string[]) => void;
}

let count = 0;

/** Let a person write. */
export class Composer {
  constructor(private readonly _options: IComposerOptions) {
    const { trans, label, text, actions } = _options;
    count += 1;
    this._listId = `rtcw-mentions-${count}`;
    this.field.value = text;
    this.field.rows = 1;
    this.field.dir = 'auto';
    this.field.placeholder = label;
    this.field.setAttribute('aria-label', label);
    this.field.setAttribute('aria-autocomplete', 'list');
    this.field.setAttribute('aria-controls', this._listId);
    this.field.setAttribute('aria-expanded', 'false');
    this.field.setAttribute('role', 'combobox');
    // JupyterLab's shortcuts are not meant where somebody writes.
    this.field.dataset['lmSuppressShortcuts'] = 'true';
    this._list.id = this._listId;
    this._list.setAttribute('role', 'listbox');
    this._list.setAttribute('aria-label', trans.__('People'));
    this._list.hidden = true;
    this._buttons = actions.map((action, index) =>
      button(action.id, action.label, () => this._act(action), index === 0)
    );
    this._buttons[0]!.title = trans.__('Ctrl+Enter');
    const cancel = button('cancel', trans.__('Cancel'), () =>
      _options.cancelled()
    );
    const row = element('div', 'rtcw-Composer-buttons');
    row.append(...this._buttons, cancel);
    this.node.append(this.field, this._list, row);
    this.field.addEventListener('input', () => this._typed());
    this.field.addEventListener('keydown', event => this._onKey(event));
    this.field.addEventListener('blur', () => this._suggest(null));
    this.field.addEventListener('click', () => this._look());
    this._update();
  }

  readonly node = element('div', 'rtcw-Composer');
  readonly field = element('textarea', 'rtcw-Composer-field');

  get text(): string {
    return this.field.value;
  }

  set text(text: string) {
    this.field.value = text;
    this._typed();
  }

  /** Show what this person wrote elsewhere, and what comes only now; who has begun to write here goes on. */
  offer(text: string): void {
    if (text && text !== this.field.value && !this._isTyped) {
      this.field.value = text;
      this._update();
      this.field.setSelectionRange(text.length, text.length);
    }
  }

  /** Let the person write; only they leave. */
  focus(): void {
    this.field.focus();
    holdFocus(this.field);
    this._update();
    const { length } = this.field.value;
    this.field.setSelectionRange(length, length);
  }

  private _act({ act }: IAction): void {
    const text = this.field.value.trim();
    if (text) {
      act(text, mentionsIn(text, this._options.people()));
    }
  }

  private _typed(): void {
    this._isTyped = true;
    this._update();
    this._look();
    this._options.typed?.(this.field.value);
  }

  private _update(): void {
    const { field } = this;
    const isEmpty = !field.value.trim();
    this._buttons.forEach(one => (one.disabled = isEmpty));
    field.style.height = 'auto';
    if (field.scrollHeight) {
      field.style.height = `${field.scrollHeight + 2}px`;
    }
  }

  private _onKey(event: KeyboardEvent): void {
    const isSent = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
    if (event.isComposing) {
      return;
    }
    if (isSent) {
      this._act(this._options.actions[0]!);
    } else if (this._shown.length && this._onListKey(event.key)) {
      // Done.
    } else if (event.key === 'Escape') {
      this._options.cancelled();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private _onListKey(key: string): boolean {
    const { length } = this._shown;
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      const step = key === 'ArrowDown' ? 1 : length - 1;
      this._mark((this._marked + step) % length);
    } else if (key === 'Enter' || key === 'Tab') {
      this._complete(this._shown[this._marked]!);
    } else if (key === 'Escape') {
      this._suggest(null);
    } else {
      return false;
    }
    return true;
  }

  private _look(): void {
    const { selectionStart, selectionEnd, value } = this.field;
    this._suggest(
      selectionStart === selectionEnd ? queryAt(value, selectionStart) : null
    );
    void this._lookFurther(this._query);
  }

  private async _lookFurther(query: IQuery | null): Promise<void> {
    const isMore = query && (await this._options.find?.(query.text));
    // More may have been typed of the name meanwhile.
    if (isMore && this._query) {
      const marked = this._shown[this._marked]?.user;
      this._suggest(this._query);
      this._mark(
        Math.max(
          0,
          this._shown.findIndex(one => one.user === marked)
        )
      );
    }
  }

  private _suggest(query: IQuery | null): void {
    const people = query ? suggest(this._options.people(), query.text) : [];
    // A name that stands there already needs no completion.
    const isDone = people.length === 1 && people[0]!.name === query?.text;
    this._query = query;
    this._shown = isDone ? [] : people;
    this._list.hidden = !this._shown.length;
    this.field.setAttribute('aria-expanded', String(!this._list.hidden));
    this._list.replaceChildren(
      ...this._shown.map((who, index) => {
        const row = element('div', 'rtcw-Mention-option rtcw-Person');
        row.id = `${this._listId}-${index}`;
        row.setAttribute('role', 'option');
        paint(row, who.color);
        row.append(faceOf({ ...who, username: who.user, isKernel: false }));
        row.append(element('span', 'rtcw-Mention-name', who.name));
        if (who.isHere) {
          const here = this._options.trans.__('here');
          row.append(element('span', 'rtcw-Mention-here', here));
        }
        row.addEventListener('mousedown', event => {
          // The field keeps the focus.
          event.preventDefault();
          this._complete(who);
        });
        return row;
      })
    );
    this._mark(0);
  }

  private _mark(index: number): void {
    this._marked = index;
    [...this._list.children].forEach((row, at) =>
      row.setAttribute('aria-selected', String(at === index))
    );
    if (this._shown.length) {
      const marked = `${this._listId}-${index}`;
      this.field.setAttribute('aria-activedescendant', marked);
    } else {
      this.field.removeAttribute('aria-activedescendant');
    }
  }

  private _complete({ name }: IMentionable): void {
    if (this._query) {
      const { from, text } = this._query;
      const to = from + 1 + text.length;
      this.field.setRangeText(`@${name} `, from, to, 'end');
      this._typed();
      this._suggest(null);
    }
  }

  private readonly _buttons: readonly HTMLButtonElement[];
  private readonly _list = element('div', 'rtcw-Mention-list');
  private readonly _listId: string;
  private _isTyped = false;
  private _query: IQuery | null = null;
  private _shown: readonly IMentionable[] = [];
  private _marked = 0;
}
