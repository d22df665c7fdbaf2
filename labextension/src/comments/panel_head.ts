/** Over the threads: what to search for, the way to add one, and the tabs with how many there are under each. */

import { element, iconButton } from './dom';
import { type Filter, FILTERS } from './filters';
import type { Words } from './shared';

/** What the head needs of its panel. */
export interface IHeadOptions {
  readonly trans: Words;
  /** In front of the ids of its parts. */
  readonly id: string;
  /** The threads, which the tabs are for. */
  readonly list: HTMLElement;
  readonly searched: () => void;
  readonly chosen: (filter: Filter) => void;
  /** Let the person comment on where they are; null where that is done elsewhere. */
  readonly add: (() => void) | null;
}

/** Let a person choose which threads they see. */
export class PanelHead {
  constructor(private readonly _options: IHeadOptions) {
    const { trans, add, searched } = _options;
    const row = element('div', 'rtcw-Comments-bar');
    this._search.type = 'search';
    this._search.placeholder = trans.__('Search comments');
    this._search.setAttribute('aria-label', trans.__('Search comments'));
    this._search.addEventListener('input', searched);
    this._add = iconButton('add', 'addComment', '', () => add?.());
    row.append(this._search, this._add);
    this.node.append(row, this._makeTabs());
  }

  readonly node = element('div', 'rtcw-Comments-head');

  /** What is searched for, empty for nothing. */
  get search(): string {
    return this._search.value;
  }

  set search(search: string) {
    this._search.value = search;
  }

  /** Say by which keys one may comment, empty for none, and whether one may. */
  offer(keys: string, mayAdd: boolean): void {
    const { add, trans } = this._options;
    const label = keys
      ? trans.__('Add a comment (%1)', keys)
      : trans.__('Add a comment');
    this._add.title = label;
    this._add.setAttribute('aria-label', label);
    this._add.hidden = !add || !mayAdd;
  }

  /** Show which tab is chosen, and how many threads are under each. */
  draw(chosen: Filter, count: (filter: Filter) => number): void {
    this._chosen = chosen;
    for (const [filter, tab] of this._tabs) {
      const there = count(filter);
      const badge = tab.querySelector('.rtcw-Comments-count')!;
      const words = there ? String(there) : '';
      if (badge.textContent !== words) {
        badge.textContent = words;
      }
      const isChosen = filter === chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      if (isChosen) {
        this._options.list.setAttribute('aria-labelledby', tab.id);
      }
      tab.tabIndex = isChosen ? 0 : -1;
      const isRare = filter === 'all' || (filter === 'orphaned' && !there);
      tab.hidden = isRare && !isChosen;
    }
  }

  private _makeTabs(): HTMLElement {
    const { trans, id, list, chosen } = this._options;
    const tabs = element('div', 'rtcw-Comments-tabs');
    tabs.setAttribute('role', 'tablist');
    const labels: Readonly<Record<Filter, string>> = {
      open: trans.__('Open'),
      resolved: trans.__('Resolved'),
      mine: trans.__('Mine'),
      orphaned: trans.__('Orphaned'),
      all: trans.__('All')
    };
    for (const filter of FILTERS) {
      const tab = element('button', 'rtcw-Comments-tab');
      tab.type = 'button';
      tab.id = `${id}-${filter}`;
      tab.setAttribute('role', 'tab');
      tab.setAttribute('aria-controls', list.id);
      tab.append(
        element('span', '', labels[filter]),
        element('span', 'rtcw-Comments-count')
      );
      tab.addEventListener('click', () => chosen(filter));
      this._tabs.set(filter, tab);
      tabs.append(tab);
    }
    tabs.addEventListener('keydown', ({ key }) => {
      const step = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
      const there = FILTERS.filter(one => !this._tabs.get(one)!.hidden);
      const at = there.indexOf(this._chosen) + step + there.length;
      if (step) {
        chosen(there[at % there.length]!);
        this._tabs.get(this._chosen)!.focus();
      }
    });
    this._tabs
      .get('orphaned')!
      .setAttribute(
        'title',
        trans.__('What they are about is not in the document any more')
      );
    return tabs;
  }

  private readonly _search = element('input', 'rtcw-Comments-search');
  private readonly _add: HTMLButtonElement;
  private readonly _tabs = new Map<Filter, HTMLButtonElement>();
  private _chosen: Filter = 'open';
}
