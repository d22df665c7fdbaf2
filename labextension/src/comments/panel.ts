/** The threads of a document in its order, by state, and searched: the panel in JupyterLab, and a widget in a page. */

import type { IShownThread } from './asked';
import { Card, type ICardOptions } from './card';
import { element } from './dom';
import { belongs, type Filter, matches } from './filters';
import { holdFocus } from './focus';
import { LongList } from './long_list';
import { PanelHead } from './panel_head';
import { emptyNode, noteOf } from './panel_words';
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

/** A thread's card, and its place in the list. */
interface IEntry {
  readonly card: Card;
  readonly slot: HTMLElement;
}

let views = 0;

/** Show the comments of the document in front. */
export class CommentsView<S extends ISession = ISession> {
  constructor(private readonly _options: IPanelOptions) {
    const { trans, filter, label } = _options;
    this._filter = filter ?? 'open';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', label ?? trans.__('Comments'));
    const id = `rtcw-comments-${(views += 1)}`;
    this._list.id = `${id}-list`;
    this._list.setAttribute('role', 'tabpanel');
    this._list.tabIndex = -1;
    this._head = new PanelHead({
      trans,
      id,
      list: this._list,
      add: _options.add,
      searched: () => this._draw(),
      chosen: filter => this._choose(filter)
    });
    this._rows = new LongList(this._list, {
      row: id => this._row(id),
      place: (id, position, count) =>
        this._cards.get(id)?.card.place(position, count)
    });
    this._list.append(this._rows.node);
    this.node.append(this._head.node, this._note, this._list);
    this.node.addEventListener('keydown', event => this._onKey(event));
    this._clock = setInterval(() => {
      if (this._options.isVisible()) {
        this._present.forEach(card => card.tick());
      }
    }, MINUTE);
    this.follow(null);
  }

  readonly node = element('div', 'rtcw-Comments');

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
    this._rows.clear();
    this._empty?.remove();
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
      this._head.search = '';
      const isHere = belongs(thread, this._filter, this._known);
      this._choose(isHere ? this._filter : thread.state);
    }
    this.look(id);
    this._rows.reveal(id);
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
    const before = this._cards.get(this._active ?? '')?.card;
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
    const node = this._cards.get(id)?.card.node;
    if (node) {
      node.focus({ preventScroll: true });
      holdFocus(node);
    }
  }

  /** Let the person reply to a thread. */
  reply(id: string, text?: string): void {
    this.reveal(id);
    this._cards.get(id)?.card.reply(text);
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
    this._rows.dispose();
    this._disconnect();
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
    this._update(ids);
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
      this._update(news.threads);
    }
    // What is searched for may have come or gone with the text.
    if (news.isReordered || this._head.search) {
      this._draw();
    }
  };

  private readonly _redraw = (): void => {
    if (this._options.isVisible()) {
      this._update(null);
    }
    this._draw();
  };

  /** Show these as they are now, null for all; those that are not in the page, once they are. */
  private _update(ids: ReadonlySet<string> | null): void {
    for (const id of this._rows.present) {
      if (!ids || ids.has(id)) {
        this._cards.get(id)?.card.update();
      }
    }
  }

  private _draw(): void {
    const session = this._session;
    this._drawTitle();
    this._drawNote();
    if (!session || (!this._options.isVisible() && this._cards.size)) {
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
    this._head.draw(
      this._filter,
      filter => all.filter(one => belongs(one, filter, known)).length
    );
    const { search } = this._head;
    this._shown = all
      .filter(
        one =>
          belongs(one, this._filter, known) &&
          matches(one, places.of(one.id)?.quote ?? '', search)
      )
      .map(({ id }) => id);
    this._drawEmpty();
    this._rows.show(this._shown);
    this._rove();
    for (const id of this._cards.keys()) {
      if (!discussion.thread(id)) {
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
      const before = this._cards.get(this._reachable ?? '')?.card;
      if (before) {
        before.isReachable = false;
      }
      this._reachable = id;
    }
    const card = id === null ? null : this._card(id);
    if (card) {
      card.isReachable = true;
    }
    this._rows.hold(id === null ? [] : [id]);
  }

  private _card(id: string): Card | null {
    return this._session?.discussion.thread(id) ? this._entry(id).card : null;
  }

  /** Return what shows a thread, made when it is first needed: there may be hundreds. */
  private _entry(id: string): IEntry {
    const known = this._cards.get(id);
    if (known) {
      return known;
    }
    const activate = (thread: string) => this.look(thread);
    const session = this._session!;
    const card = new Card(id, { ...this._options, session, activate });
    const slot = element('div', 'rtcw-Thread-slot');
    slot.dataset['thread'] = id;
    slot.append(card.node);
    const made = { card, slot };
    this._cards.set(id, made);
    return made;
  }

  /** Return what is put into the page for a thread, as the thread is now. */
  private _row(id: string): HTMLElement {
    const { card, slot } = this._entry(id);
    card.update();
    card.tick();
    return slot;
  }

  private get _present(): readonly Card[] {
    return this._rows.present.flatMap(id => this._cards.get(id)?.card ?? []);
  }

  private _drawEmpty(): void {
    const { trans, keys } = this._options;
    const isEmpty = !this._shown.length;
    this._rows.node.hidden = isEmpty;
    this._empty?.remove();
    this._empty = null;
    if (isEmpty) {
      const mayComment = this._session?.discussion.mayComment === true;
      this._empty = emptyNode(
        trans,
        this._filter,
        this._head.search !== '',
        mayComment ? keys() : ''
      );
      this._list.append(this._empty);
    }
  }

  private _drawTitle(): void {
    const { drawn, keys } = this._options;
    drawn?.();
    this._head.offer(keys(), this._session?.discussion.mayComment === true);
  }

  private _drawNote(): void {
    const { trans } = this._options;
    const discussion = this._session?.discussion ?? null;
    const note = (this._options.note?.() ?? '') || noteOf(trans, discussion);
    this._note.textContent = note;
    this._note.hidden = !note;
    this._head.node.hidden = !discussion || this._options.hasHead === false;
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
    const at = this._shown.indexOf(target.dataset['thread'] ?? '');
    if (at < 0 || !target.matches('.rtcw-Thread')) {
      return;
    }
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: this._shown.length - 1
    };
    const id = this._shown[steps[event.key] ?? -1];
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

  private readonly _head: PanelHead;
  private readonly _note = element('div', 'rtcw-Comments-note');
  private readonly _list = element('div', 'rtcw-Comments-list');
  private readonly _rows: LongList;
  private readonly _cards = new Map<string, IEntry>();
  private readonly _clock: ReturnType<typeof setInterval>;
  private _empty: HTMLElement | null = null;
  private _filter: Filter;
  private _shown: readonly string[] = [];
  private _session: S | null = null;
  private _hasFollowed = false;
  private _active: string | null = null;
  private _reachable: string | null = null;
}
