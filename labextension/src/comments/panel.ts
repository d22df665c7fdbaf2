/** The threads of a document in its order, by state, and searched: the panel in JupyterLab, and a widget in a page. */

import type { IShownThread } from './asked';
import { Card, type ICardOptions } from './card';
import { arrange, element, iconButton } from './dom';
import { belongs, type Filter, FILTERS, matches } from './filters';
import { draw } from './drawn';
import { holdFocus } from './focus';
import type { INews, ISession, Markdown, Words } from './shared';

/** What the panel needs of the page. */
export interface IPanelOptions extends Pick<
  ICardOptions,
  'go' | 'attach' | 'copyLink' | 'numberOf'
> {
  readonly trans: Words;
  readonly markdown: Markdown;
  /** As what it is read aloud, where a page has several. */
  readonly label?: string;
  /** Whether it is seen; what is not is not kept up to date. */
  readonly isVisible: () => boolean;
  /** Let the person comment on where they are; null where that is done elsewhere. */
  readonly add: (() => void) | null;
  /** The keys for that, as they are shown; empty for none. */
  readonly keys: () => string;
  /** Another thread is active, or none. */
  readonly activated: (thread: string | null) => void;
  /** Another tab was chosen. */
  readonly chosen?: (filter: Filter) => void;
  /** What to say over the threads; empty for nothing, null for what is said anyway. */
  readonly note?: () => string | null;
  /** Tells of each thread whether it is shown at all. */
  readonly wanted?: (thread: IShownThread) => boolean;
  /** Whether one can choose and search; else all is shown that is wanted. */
  readonly hasHead?: boolean;
  /** The tab that is shown first. */
  readonly filter?: Filter;
  /** Something changed that is seen outside: what was read, or who may do what. */
  readonly drawn?: () => void;
  /** Give the focus back to the document. */
  readonly leave?: () => void;
}

/** Milliseconds between two looks at the clock. */
const MINUTE = 60_000;
/** Pixels beyond what is seen in which cards are drawn. */
const AHEAD = 800;

let views = 0;

/** Show the comments of the document in front. */
export class CommentsView<S extends ISession = ISession> {
  constructor(private readonly _options: IPanelOptions) {
    const { trans, filter, label } = _options;
    this._filter = filter ?? 'open';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', label ?? trans.__('Comments'));
    this._makeHead();
    this._list.id = `${this._id}-list`;
    this._list.setAttribute('role', 'tabpanel');
    this._list.tabIndex = -1;
    this.node.append(this._head, this._note, this._list);
    this.node.addEventListener('keydown', event => this._onKey(event));
    this._seen = new IntersectionObserver(
      entries => {
        for (const { target, isIntersecting } of entries) {
          const id = (target as HTMLElement).dataset['thread'];
          if (isIntersecting && id) {
            this._card(id);
          }
        }
      },
      { root: this._list, rootMargin: `${AHEAD}px 0px` }
    );
    this._clock = setInterval(() => {
      if (this._options.isVisible()) {
        this._cards.forEach(card => card.tick());
      }
    }, MINUTE);
    this.follow(null);
  }

  readonly node = element('div', 'rtcw-Comments');
  /** In front of the ids of its parts. */
  private readonly _id = `rtcw-comments-${(views += 1)}`;

  get session(): S | null {
    return this._session;
  }

  /** The thread that this person looks at. */
  get active(): string | null {
    return this._active;
  }

  /** Show the comments of another document. */
  follow(session: S | null): void {
    if (session === this._session && this._hasFollowed) {
      return;
    }
    this._hasFollowed = true;
    this._disconnect();
    this._session = session;
    this._active = null;
    this._reachable = null;
    this._cards.clear();
    this._slots.clear();
    this._list.replaceChildren();
    if (session) {
      session.discussion.changed.connect(this._onThreads);
      session.places.changed.connect(this._onPlaces);
      session.private.changed.connect(this._redraw);
    }
    this._draw();
  }

  /** Show one thread, under whatever tab it is. */
  reveal(id: string): void {
    const thread = this._session?.discussion.thread(id);
    if (!thread) {
      return;
    }
    if (!this._shown.includes(id)) {
      this._search.value = '';
      const isHere = belongs(thread, this._filter, this._known);
      this._choose(isHere ? this._filter : thread.state);
    }
    this.look(id);
    this._slots.get(id)?.scrollIntoView({ block: 'nearest' });
  }

  /** Make a thread the active one. */
  look(id: string | null): void {
    const session = this._session;
    const thread = id && session?.discussion.thread(id);
    if (thread) {
      session!.private.read(thread);
    }
    if (id === this._active) {
      return;
    }
    const before = this._active && this._cards.get(this._active);
    this._active = id;
    if (before) {
      before.isActive = false;
    }
    const card = id === null ? null : this._card(id);
    if (card) {
      card.isActive = true;
    }
    this._rove();
    this._options.activated(id);
  }

  /** Show a thread and give it the focus. */
  focus(id: string): void {
    this.reveal(id);
    const node = this._cards.get(id)?.node;
    if (node) {
      node.focus({ preventScroll: true });
      holdFocus(node);
    }
  }

  /** Let the person reply to a thread. */
  reply(id: string, text?: string): void {
    this.reveal(id);
    this._cards.get(id)?.reply(text);
  }

  /** Return the thread before or behind the active one, among those that are shown. */
  next(step: 1 | -1): string | null {
    const { length } = this._shown;
    const at = this._shown.indexOf(this._active ?? '');
    const from = at < 0 && step < 0 ? 0 : at;
    return this._shown[(from + step + length) % length] ?? null;
  }

  /** The tab that is shown. */
  get filter(): Filter {
    return this._filter;
  }

  set filter(filter: Filter) {
    if (filter !== this._filter) {
      this._filter = filter;
      this._draw();
    }
  }

  /** Draw all anew: it was not seen, or what it says depends on more than the threads. */
  update(): void {
    this._redraw();
  }

  dispose(): void {
    clearInterval(this._clock);
    this._seen.disconnect();
    this._disconnect();
  }

  // --- the head

  private _makeHead(): void {
    const { trans, add } = this._options;
    const row = element('div', 'rtcw-Comments-bar');
    this._search.type = 'search';
    this._search.placeholder = trans.__('Search comments');
    this._search.setAttribute('aria-label', trans.__('Search comments'));
    this._search.addEventListener('input', () => this._draw());
    this._add = iconButton('add', 'addComment', '', () => add?.());
    row.append(this._search, this._add);
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
      tab.id = `${this._id}-${filter}`;
      tab.setAttribute('role', 'tab');
      tab.setAttribute('aria-controls', this._list.id);
      tab.append(
        element('span', '', labels[filter]),
        element('span', 'rtcw-Comments-count')
      );
      tab.addEventListener('click', () => this._choose(filter));
      this._tabs.set(filter, tab);
      tabs.append(tab);
    }
    tabs.addEventListener('keydown', ({ key }) => {
      const step = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
      const there = FILTERS.filter(one => !this._tabs.get(one)!.hidden);
      const at = there.indexOf(this._filter) + step + there.length;
      if (step) {
        this._choose(there[at % there.length]!);
        this._tabs.get(this._filter)!.focus();
      }
    });
    this._tabs
      .get('orphaned')!
      .setAttribute(
        'title',
        trans.__('What they are about is not in the document any more')
      );
    this._head.append(row, tabs);
  }

  private _choose(filter: Filter): void {
    this.filter = filter;
    this._options.chosen?.(filter);
  }

  // --- the list

  private readonly _onThreads = (
    _: unknown,
    ids: ReadonlySet<string> | null
  ): void => {
    // The places tell of it too, a moment later; what this person did is to be seen at once.
    for (const id of ids ?? this._cards.keys()) {
      this._cards.get(id)?.update();
    }
    const seen = this._active && this._session?.discussion.thread(this._active);
    if (seen && this._options.isVisible() && document.hasFocus()) {
      this._session!.private.read(seen);
    }
    this._draw();
  };

  private readonly _onPlaces = (_: unknown, news: INews | void): void => {
    if (!news) {
      this._redraw();
      return;
    }
    if (this._options.isVisible()) {
      news.threads.forEach(id => this._cards.get(id)?.update());
    }
    // What is searched for may have come or gone with the text.
    if (news.isReordered || this._search.value) {
      this._draw();
    }
  };

  private readonly _redraw = (): void => {
    if (this._options.isVisible()) {
      this._cards.forEach(card => card.update());
    }
    this._draw();
  };

  private _draw(): void {
    const session = this._session;
    this._drawTitle();
    this._drawNote();
    if (!session || (!this._options.isVisible() && this._slots.size)) {
      return;
    }
    const { places, discussion } = session;
    // Those that the places have not seen yet come last.
    const placed = places.ordered.flatMap(
      ({ id }) => discussion.thread(id) ?? []
    );
    const ids = new Set(placed.map(({ id }) => id));
    const late = discussion.threads.filter(({ id }) => !ids.has(id));
    const { wanted = () => true } = this._options;
    const all = [...placed, ...late].filter(wanted);
    const known = this._known;
    for (const [filter, tab] of this._tabs) {
      const count = all.filter(one => belongs(one, filter, known)).length;
      const badge = tab.querySelector('.rtcw-Comments-count')!;
      badge.textContent = count ? String(count) : '';
      const isChosen = filter === this._filter;
      tab.setAttribute('aria-selected', String(isChosen));
      if (isChosen) {
        this._list.setAttribute('aria-labelledby', tab.id);
      }
      tab.tabIndex = isChosen ? 0 : -1;
      const isRare = filter === 'all' || (filter === 'orphaned' && !count);
      tab.hidden = isRare && !isChosen;
    }
    const search = this._search.value;
    this._shown = all
      .filter(
        one =>
          belongs(one, this._filter, known) &&
          matches(one, places.of(one.id)?.quote ?? '', search)
      )
      .map(({ id }) => id);
    this._rove();
    const slots = this._shown.map(id => this._slot(id));
    arrange(this._list, slots.length ? slots : [this._empty()]);
    for (const id of this._slots.keys()) {
      if (!discussion.thread(id)) {
        this._seen.unobserve(this._slots.get(id)!);
        this._slots.delete(id);
        this._cards.delete(id);
      }
    }
  }

  /** The Tab key comes to one thread: the active one, or else the first. */
  private _rove(): void {
    const id = this._shown.includes(this._active ?? '')
      ? this._active
      : (this._shown[0] ?? null);
    if (id !== this._reachable) {
      const before = this._cards.get(this._reachable ?? '');
      if (before) {
        before.isReachable = false;
      }
      this._reachable = id;
    }
    const card = id === null ? null : this._card(id);
    if (card) {
      card.isReachable = true;
    }
  }

  private _slot(id: string): HTMLElement {
    let slot = this._slots.get(id);
    if (!slot) {
      slot = element('div', 'rtcw-Thread-slot');
      slot.dataset['thread'] = id;
      this._slots.set(id, slot);
      this._seen.observe(slot);
    }
    return slot;
  }

  /** Return the card of a thread, made when it is first needed: there may be hundreds. */
  private _card(id: string): Card | null {
    const session = this._session;
    let card = this._cards.get(id) ?? null;
    if (!card && session?.discussion.thread(id)) {
      const activate = (thread: string) => this.look(thread);
      card = new Card(id, { ...this._options, session, activate });
      this._cards.set(id, card);
      this._slot(id).append(card.node);
      card.update();
    }
    return card;
  }

  private _empty(): HTMLElement {
    const { trans, keys } = this._options;
    const { discussion } = this._session!;
    const node = element('div', 'rtcw-Comments-empty');
    const words: Readonly<Record<Filter, string>> = {
      open: trans.__('No open comments'),
      resolved: trans.__('No resolved comments'),
      mine: trans.__('No comments by you, and none that mentions you'),
      orphaned: trans.__('Everything that comments are about is here'),
      all: trans.__('No comments')
    };
    if (this._search.value) {
      node.append(element('p', '', trans.__('Nothing found')));
    } else {
      node.append(draw('comment', '32px'));
      node.append(element('p', '', words[this._filter]));
    }
    if (this._filter === 'open' && discussion.mayComment && keys()) {
      const hint = trans.__('Select text or a cell and press %1.', keys());
      node.append(element('p', 'rtcw-Comments-hint', hint));
    }
    return node;
  }

  private _drawTitle(): void {
    const { add, drawn, keys, trans } = this._options;
    drawn?.();
    const label = keys()
      ? trans.__('Add a comment (%1)', keys())
      : trans.__('Add a comment');
    this._add.title = label;
    this._add.setAttribute('aria-label', label);
    this._add.hidden = !add || this._session?.discussion.mayComment !== true;
  }

  private _drawNote(): void {
    const { trans } = this._options;
    const discussion = this._session?.discussion;
    let note = this._options.note?.() ?? '';
    if (note) {
      // That says it.
    } else if (!discussion) {
      note = trans.__(
        'Open a shared notebook or text file to see its comments.'
      );
    } else if (discussion.role === 'viewer') {
      note = trans.__('You may read the comments here but not write any.');
    } else if (discussion.isReady && !discussion.isOnline) {
      note = trans.__('Offline. What you write is sent once you are back.');
    }
    this._note.textContent = note;
    this._note.hidden = !note;
    this._head.hidden = !discussion || this._options.hasHead === false;
    this._list.hidden = !discussion?.isReady;
  }

  private _onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const { leave } = this._options;
    if (event.key === 'Escape' && !event.defaultPrevented && leave) {
      event.preventDefault();
      leave();
      return;
    }
    const step =
      event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (!step || !target.matches('.rtcw-Thread')) {
      return;
    }
    const at = this._shown.indexOf(target.dataset['thread'] ?? '') + step;
    const id = this._shown[at];
    if (id) {
      event.preventDefault();
      this.focus(id);
    }
  }

  private get _known() {
    const { discussion, places } = this._session!;
    return {
      me: discussion.me.user,
      isMine: discussion.isMine.bind(discussion),
      isOrphan: places.isOrphan.bind(places)
    };
  }

  private _disconnect(): void {
    this._session?.discussion.changed.disconnect(this._onThreads);
    this._session?.places.changed.disconnect(this._onPlaces);
    this._session?.private.changed.disconnect(this._redraw);
  }

  private readonly _head = element('div', 'rtcw-Comments-head');
  private readonly _note = element('div', 'rtcw-Comments-note');
  private readonly _list = element('div', 'rtcw-Comments-list');
  private readonly _search = element('input', 'rtcw-Comments-search');
  private readonly _tabs = new Map<Filter, HTMLButtonElement>();
  private readonly _slots = new Map<string, HTMLElement>();
  private readonly _cards = new Map<string, Card>();
  private readonly _seen: IntersectionObserver;
  private readonly _clock: ReturnType<typeof setInterval>;
  private _add!: HTMLButtonElement;
  private _filter: Filter;
  private _shown: readonly string[] = [];
  private _session: S | null = null;
  private _hasFollowed = false;
  private _active: string | null = null;
  private _reachable: string | null = null;
}
