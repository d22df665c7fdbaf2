/** A list of which the page has only what is near the view: gaps stand for the rest, and what has the focus stays. */

import { arrange, element } from './dom';
import { windowed } from './windowed';

/** Pixels beyond what is seen in which rows are in the page. */
const AHEAD = 800;
/** Pixels to which a gap may come near what is seen. */
const NEAR = 400;
/** Pixels of a row before any was seen. */
const GUESS = 130;

/** What a list needs of what is in it. */
export interface IRows {
  /** Return the row of an entry, which is about to be in the page. */
  readonly row: (id: string) => HTMLElement;
  /** Say where among all an entry is, counted from one: a screen reader meets only what is in the page. */
  readonly place: (id: string, position: number, count: number) => void;
}

/** Show hundreds of rows at the price of those that are seen. */
export class LongList {
  constructor(
    private readonly _scroller: HTMLElement,
    private readonly _options: IRows
  ) {
    this.node.setAttribute('role', 'feed');
    // Of all that could be watched for being seen, the gaps are few: the browser looks at each in every frame.
    this._near = new IntersectionObserver(
      entries => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) {
          this._fit();
        }
      },
      { root: _scroller, rootMargin: `${NEAR}px 0px` }
    );
  }

  readonly node = element('div', 'rtcw-LongList');

  /** The entries that are in the page. */
  get present(): readonly string[] {
    return this._present;
  }

  /** Show these, in this order. */
  show(ids: readonly string[]): void {
    const { _ids: before } = this;
    if (
      ids.length !== before.length ||
      ids.some((id, index) => id !== before[index])
    ) {
      this._ids = ids;
      this._fit();
    }
  }

  /** Keep these in the page wherever the view is, and what has the focus. */
  hold(ids: readonly string[]): void {
    this._held = new Set(ids);
    if (ids.some(id => !this._rows.has(id) && this._ids.includes(id))) {
      this._fit();
    }
  }

  /** Bring an entry into view. */
  reveal(id: string): void {
    if (!this._ids.includes(id)) {
      return;
    }
    this._revealed = id;
    if (!this._rows.has(id)) {
      this._fit();
    }
    const row = this._rows.get(id)!;
    const before = this._scroller.scrollTop;
    row.scrollIntoView({ block: 'nearest' });
    if (this._scroller.scrollTop !== before) {
      // What is around it comes at once, and may be higher than the gap was.
      this._fit();
      row.scrollIntoView({ block: 'nearest' });
    }
    this._revealed = null;
  }

  /** Forget everything: it is about another document now. */
  clear(): void {
    this._ids = [];
    this._held = new Set();
    this._heights.clear();
    this._guess = null;
    this._fit();
  }

  dispose(): void {
    this._near.disconnect();
  }

  /** Put into the page what is near the view, and take out what is not any more. */
  private _fit(): void {
    const top = this._top();
    const bottom = top + this._scroller.clientHeight;
    const guess = this._guess ?? GUESS;
    const focused = document.activeElement;
    const parts = windowed(
      this._ids,
      id => this._heights.get(id) ?? guess,
      [top - AHEAD, bottom + AHEAD],
      id =>
        id === this._revealed ||
        this._held.has(id) ||
        this._rows.get(id)?.contains(focused) === true
    );
    const rows = new Map<string, HTMLElement>();
    let gaps = 0;
    const wanted = parts.map(part => {
      if (typeof part === 'number') {
        const gap = (this._gaps[gaps] ??= element('div', 'rtcw-LongList-gap'));
        gaps += 1;
        gap.style.height = `${part}px`;
        return gap;
      }
      const row = this._rows.get(part) ?? this._options.row(part);
      rows.set(part, row);
      return row;
    });
    const isSame =
      wanted.length === this.node.children.length &&
      wanted.every((one, index) => one === this.node.children[index]);
    this._rows = rows;
    this._present = [...rows.keys()];
    this._count();
    if (!isSame) {
      arrange(this.node, wanted);
      // An observer tells of changes only; anew, it tells how things are, and of a gap that is still too near.
      this._near.disconnect();
      this._gaps.slice(0, gaps).forEach(gap => this._near.observe(gap));
    }
  }

  /** Note how high everything is, and return how far down the view begins: by the first row in it that stays. */
  private _top(): number {
    const view = this._scroller.getBoundingClientRect();
    if (!view.height) {
      return 0;
    }
    const known = new Set(this._ids);
    let seen: { readonly id: string; readonly above: number } | null = null;
    let sum = 0;
    for (const [id, row] of this._rows) {
      const { top, bottom, height } = row.getBoundingClientRect();
      this._heights.set(id, height);
      sum += height;
      if (!seen && known.has(id) && bottom > view.top && top < view.bottom) {
        seen = { id, above: view.top - top };
      }
    }
    if (this._rows.size) {
      this._guess ??= sum / this._rows.size;
    }
    if (!seen) {
      return view.top - this.node.getBoundingClientRect().top;
    }
    const guess = this._guess ?? GUESS;
    const before = this._ids.slice(0, this._ids.indexOf(seen.id));
    return before.reduce(
      (sum, id) => sum + (this._heights.get(id) ?? guess),
      seen.above
    );
  }

  private _count(): void {
    const { length } = this._ids;
    this._ids.forEach((id, index) => {
      if (this._rows.has(id)) {
        this._options.place(id, index + 1, length);
      }
    });
  }

  private readonly _near: IntersectionObserver;
  private readonly _heights = new Map<string, number>();
  private readonly _gaps: HTMLElement[] = [];
  private _guess: number | null = null;
  private _ids: readonly string[] = [];
  /** Those in the page, in their order. */
  private _rows = new Map<string, HTMLElement>();
  private _present: readonly string[] = [];
  private _held: ReadonlySet<string> = new Set();
  private _revealed: string | null = null;
}
