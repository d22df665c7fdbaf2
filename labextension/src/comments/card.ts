/** One thread as it is shown: what it is about, the comments, a field for a reply, and what can be done. */

import { faceOf } from '../presence/face';
import { paint } from '../presence/identity';
import type { IAsked, IShownComment, IShownThread } from './asked';
import { called } from './authors';
import { renderBody } from './bodies';
import { Composer } from './composer';
import { arrange, button, element, iconButton } from './dom';
import { draw } from './drawn';
import type { ISession, Markdown, Words } from './shared';
import { about, ago, moment } from './words';

/** What a card needs of the panel. */
export interface ICardOptions {
  readonly session: ISession;
  readonly markdown: Markdown;
  readonly trans: Words;
  /** Return the number of a cell, null where it is not there. */
  readonly numberOf: (cell: string) => number | null;
  readonly activate: (thread: string) => void;
  /** Go to what a thread is about; null where the page does not show the document. */
  readonly go: ((thread: string) => void) | null;
  /** Attach a thread to where this person is. */
  readonly attach: ((thread: string) => void) | null;
  readonly copyLink: ((thread: string) => Promise<void>) | null;
}

/** What a person writes anew. */
interface IRewriting {
  /** The comment's, or that of what was refused. */
  readonly id: string;
  readonly label: string;
  readonly text: string;
  /** What the button says with which it is sent. */
  readonly save: string;
  readonly act: (text: string, mentions: readonly string[]) => void;
}

/** Comments at the end of a long thread that are shown while it is not active. */
const LAST = 2;

/** Show one thread. */
export class Card {
  constructor(
    private readonly _id: string,
    private readonly _options: ICardOptions
  ) {
    const { node } = this;
    node.tabIndex = -1;
    node.dataset['thread'] = _id;
    node.append(this._head, this._comments, this._foot);
    this._comments.setAttribute('role', 'list');
    node.addEventListener('focusin', () => _options.activate(_id));
    node.addEventListener('click', event => {
      const target = event.target as HTMLElement;
      if (!target.closest('button, a, textarea, input')) {
        _options.activate(_id);
        if (window.getSelection()?.isCollapsed !== false) {
          _options.go?.(_id);
        }
      }
    });
    node.addEventListener('keydown', event => {
      if (event.target === node && event.key === 'Enter') {
        event.preventDefault();
        _options.go?.(_id);
      } else if (event.target === node && event.key === 'r') {
        event.preventDefault();
        this.reply();
      }
    });
  }

  readonly node = element('article', 'rtcw-Thread');

  get isActive(): boolean {
    return this._isActive;
  }

  set isActive(isActive: boolean) {
    if (isActive !== this._isActive) {
      this._isActive = isActive;
      this.node.classList.toggle('rtcw-mod-active', isActive);
      const { discussion, private: own } = this._options.session;
      const thread = discussion.thread(this._id);
      if (isActive && thread && discussion.mayComment && own.draft(this._id)) {
        this._reply ??= this._makeReply(thread);
      }
      this.update();
    }
  }

  /** Show the thread as it is now. */
  update(): void {
    const { session, trans, numberOf } = this._options;
    const thread = session.discussion.thread(this._id);
    if (!thread) {
      return;
    }
    const place = session.places.of(this._id);
    const isUnread = session.private.isUnread(thread);
    this.node.dataset['state'] = thread.state;
    this.node.classList.toggle('rtcw-mod-unread', isUnread);
    const number = place?.cell ? numberOf(place.cell) : null;
    const where = about(place, number, trans);
    const quote = place?.quote?.trim() ?? '';
    const label = [
      thread.number ? trans.__('Comment %1', thread.number) : '',
      where,
      thread.state === 'resolved' ? trans.__('resolved') : '',
      isUnread ? trans.__('unread') : ''
    ];
    this.node.setAttribute('aria-label', label.filter(Boolean).join(', '));
    const isInReply = this._reply?.node.contains(document.activeElement);
    const kept = thread.refused.at(-1);
    if (thread.deleted) {
      this._reply = null;
    }
    this._reply?.offer(session.private.draft(this._id));
    this._drawHead(thread, where, quote);
    this._drawComments(thread);
    this._drawFoot(thread);
    this._rove();
    if (thread.deleted && isInReply && kept?.params.body) {
      // Whoever types goes on.
      this._reword(kept.id, kept.params.body);
    }
  }

  /** Whether the Tab key comes to this thread; the arrow keys go on from there. */
  set isReachable(isReachable: boolean) {
    this.node.tabIndex = isReachable ? 0 : -1;
  }

  /** Say where among all threads this one is: a screen reader does not meet them all. */
  place(position: number, count: number): void {
    const { node } = this;
    for (const [name, value] of [
      ['aria-posinset', String(position)],
      ['aria-setsize', String(count)]
    ] as const) {
      if (node.getAttribute(name) !== value) {
        node.setAttribute(name, value);
      }
    }
  }

  /** Of hundreds of threads the Tab key goes through what is in one. */
  private _rove(): void {
    for (const one of this.node.querySelectorAll('button')) {
      const index = this._isActive ? 0 : -1;
      if (one.tabIndex !== index || !one.hasAttribute('tabindex')) {
        one.tabIndex = index;
      }
    }
  }

  /** Write how long ago everything was. */
  tick(): void {
    const now = Date.now() / 1000;
    for (const one of this.node.querySelectorAll<HTMLElement>('time')) {
      one.textContent = ago(
        Number(one.dataset['at']),
        now,
        this._options.trans
      );
    }
  }

  /** Let the person reply. */
  reply(text = ''): void {
    const thread = this._options.session.discussion.thread(this._id);
    if (!thread || !this._options.session.discussion.mayComment) {
      return;
    }
    if (!this._reply) {
      this._reply = this._makeReply(thread);
      this.update();
    }
    if (text) {
      this._reply.text = text;
    }
    this._reply.focus();
  }

  // --- the head

  private _drawHead(thread: IShownThread, where: string, quote: string): void {
    const { session, trans, go, attach, copyLink } = this._options;
    const { discussion, places } = session;
    const { id, number, state, isPending } = thread;
    const place = places.of(id);
    const mayManage =
      discussion.mayManage(thread) && thread.number > 0 && !thread.deleted;
    const isOrphan = places.isOrphan(id);
    const what = JSON.stringify([
      number,
      where,
      quote,
      state,
      isPending,
      mayManage,
      place?.state
    ]);
    if (what === this._headDrawn) {
      return;
    }
    this._headDrawn = what;
    const goTo = go
      ? button('go', '', () => go(id))
      : element('div', 'rtcw-Thread-about');
    goTo.className = 'rtcw-Thread-about';
    goTo.title = isOrphan
      ? trans.__('What this is about is not in the document any more')
      : go
        ? trans.__('Show what this is about')
        : '';
    goTo.append(element('span', 'rtcw-Thread-where', where));
    if (number) {
      // For people to speak of it; a screen reader has it from the thread's label.
      const short = element('span', 'rtcw-Thread-number', `#${number}`);
      short.ariaHidden = 'true';
      goTo.append(' ', short);
    }
    if (quote) {
      const isGone = isOrphan || place?.state === 'cell';
      const words = element(isGone ? 'del' : 'span', 'rtcw-Thread-quote');
      words.textContent =
        quote.length > 300 ? `${quote.slice(0, 300)}…` : quote;
      goTo.append(words);
    }
    const tools = element('div', 'rtcw-Thread-tools');
    if (attach && isOrphan && mayManage) {
      const label = trans.__('Attach');
      const made = button('attach', label, () => attach(id));
      made.title = trans.__('Attach it to the selected text or cell');
      tools.append(made);
    }
    if (copyLink) {
      const link = iconButton('link', 'link', trans.__('Copy link'), () => {
        void copyLink(id).then(() => {
          link.title = trans.__('Copied');
          link.classList.add('rtcw-mod-done');
        });
      });
      tools.append(link);
    }
    if (mayManage && state === 'open') {
      const resolve = trans.__('Resolve');
      const act = () => discussion.resolve(id);
      tools.append(iconButton('resolve', 'check', resolve, act));
    } else if (mayManage) {
      const reopen = trans.__('Reopen');
      const act = () => discussion.reopen(id);
      tools.append(iconButton('reopen', 'reopen', reopen, act));
    }
    const focused = focusedIn(this._head);
    this._head.replaceChildren(goTo, tools);
    focus(this._head, focused);
  }

  // --- the comments

  private _drawComments(thread: IShownThread): void {
    const { comments, happenings } = thread;
    const rows: HTMLElement[] = [];
    const hidden =
      this._isActive || this._isOpened ? 0 : comments.length - 1 - LAST;
    comments.forEach((comment, index) => {
      if (index > 0 && index <= hidden && hidden > 1) {
        if (index === 1) {
          rows.push(this._more(hidden));
        }
        return;
      }
      rows.push(this._comment(thread, comment, index));
    });
    const last = happenings.at(-1);
    if (last && thread.state === 'resolved' && last.what === 'resolved') {
      const name = called(last.by, this._options.trans);
      rows.push(this._resolved(name, last.at));
    }
    rows.push(...thread.refused.map(asked => this._refused(asked)));
    arrange(this._comments, rows);
    const keep = new Set(rows);
    for (const [id, { row }] of this._rows) {
      if (!keep.has(row)) {
        this._rows.delete(id);
      }
    }
  }

  private _comment(
    thread: IShownThread,
    comment: IShownComment,
    index: number
  ): HTMLElement {
    const { session } = this._options;
    const { discussion } = session;
    const look = session.lookOf(comment.by);
    const may = [
      discussion.mayComment && discussion.isMine(comment.by),
      discussion.mayDelete(comment)
    ] as const;
    const asking = this._deleting === comment.id;
    const editing = this._editing?.id === comment.id;
    const what = JSON.stringify([comment, look, may, asking, editing, index]);
    const known = this._rows.get(comment.id);
    if (known && (known.what === what || (editing && known.isEditing))) {
      return known.row;
    }
    const row = element('div', 'rtcw-Comment rtcw-Person');
    row.setAttribute('role', 'listitem');
    row.dataset['comment'] = comment.id;
    row.classList.toggle('rtcw-mod-pending', comment.isPending);
    paint(row, look.color);
    row.append(faceOf(look), this._byline(comment, look.name));
    if (comment.deleted) {
      row.classList.add('rtcw-mod-deleted');
      row.append(this._gone(comment.deleted.by.name));
    } else if (this._editing && editing) {
      row.append(this._editing.composer.node);
    } else {
      const body = element('div', 'rtcw-Comment-body jp-RenderedHTMLCommon');
      const { markdown } = this._options;
      const people = [...session.people, this._me()];
      renderBody(body, comment.body, markdown, people, this._me().user);
      row.append(body);
      if (!comment.isPending) {
        row.append(this._tools(thread, comment, may));
      }
      if (asking) {
        row.append(this._confirm(thread, comment));
      }
    }
    const focused = known ? focusedIn(known.row) : null;
    known?.row.replaceWith(row);
    focus(row, focused);
    this._rows.set(comment.id, { row, what, isEditing: editing });
    return row;
  }

  private _me() {
    const { user, name } = this._options.session.discussion.me;
    return { user, name };
  }

  private _byline(comment: IShownComment, name: string): HTMLElement {
    const { trans } = this._options;
    const line = element('div', 'rtcw-Comment-by');
    const by = called(comment.by, trans, name);
    const author = element('span', 'rtcw-Comment-name', by);
    author.title = comment.by.claimed
      ? trans.__(
          'This came with the notebook’s file. The server does not know who wrote it.'
        )
      : by;
    line.append(author, this._time(comment.at));
    if (comment.isPending) {
      const { isOnline } = this._options.session.discussion;
      const words = isOnline
        ? trans.__('sending…')
        : trans.__('sent once online');
      line.append(element('span', 'rtcw-Comment-state', words));
    } else if (comment.edited !== null && !comment.deleted) {
      const edited = element('span', 'rtcw-Comment-state', trans.__('edited'));
      edited.title = moment(comment.edited);
      line.append(edited);
    }
    return line;
  }

  private _time(at: number): HTMLElement {
    const time = element('time', 'rtcw-Comment-time');
    time.dataset['at'] = String(at);
    time.dateTime = new Date(at * 1000).toISOString();
    time.title = moment(at);
    time.textContent = ago(at, Date.now() / 1000, this._options.trans);
    return time;
  }

  private _gone(name: string): HTMLElement {
    const { trans } = this._options;
    return element('div', 'rtcw-Comment-body', trans.__('Deleted by %1', name));
  }

  private _tools(
    thread: IShownThread,
    comment: IShownComment,
    [mayEdit, mayDelete]: readonly [boolean, boolean]
  ): HTMLElement {
    const { trans } = this._options;
    const tools = element('div', 'rtcw-Comment-tools');
    if (mayEdit) {
      const edit = () => this._edit(thread, comment);
      tools.append(iconButton('edit', 'edit', trans.__('Edit'), edit));
    }
    if (mayDelete) {
      const ask = () => {
        this._deleting = comment.id;
        this.update();
        this.node
          .querySelector<HTMLElement>('.rtcw-Comment-confirm button')
          ?.focus();
      };
      tools.append(iconButton('delete', 'delete', trans.__('Delete'), ask));
    }
    return tools;
  }

  private _confirm(thread: IShownThread, comment: IShownComment): HTMLElement {
    const { session, trans } = this._options;
    const { discussion } = session;
    const row = element('div', 'rtcw-Comment-confirm');
    row.setAttribute('role', 'alertdialog');
    const left = thread.comments.filter(({ deleted }) => !deleted);
    // The first comment is what the others answer; without any, there is no thread.
    const isAll = left.length === 1;
    const isFirst = comment.id === left[0]?.id;
    const mayAll = !isAll && isFirst && discussion.mayDeleteAll(thread);
    const words = isAll
      ? trans.__('Delete this thread?')
      : mayAll
        ? trans.__('Delete this comment, or all %1?', left.length)
        : trans.__('Delete this comment?');
    row.setAttribute('aria-label', words);
    const close = () => {
      this._deleting = null;
      this.update();
      this.node.focus();
    };
    row.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        close();
      }
    });
    row.append(
      element('span', '', words),
      button('confirm', trans.__('Delete'), () => {
        this._deleting = null;
        discussion.delete(thread.id, isAll ? undefined : comment.id);
      })
    );
    if (mayAll) {
      const all = trans.__('Delete the Thread');
      const act = () => {
        this._deleting = null;
        discussion.delete(thread.id);
      };
      row.append(button('confirm-all', all, act));
    }
    row.append(button('keep', trans.__('Cancel'), close));
    return row;
  }

  private _edit(thread: IShownThread, comment: IShownComment): void {
    const { session, trans } = this._options;
    this._rewrite({
      id: comment.id,
      label: trans.__('Edit the comment'),
      text: comment.body,
      save: trans.__('Save'),
      act: (text, mentions) => {
        if (text !== comment.body) {
          session.discussion.edit(thread.id, comment.id, text, mentions);
        }
      }
    });
  }

  /** Let the person write something anew, in the place where it stands. */
  private _rewrite({ id, label, text, save, act }: IRewriting): void {
    const { session, trans } = this._options;
    const close = () => {
      this._editing = null;
      this.update();
      this.node.focus();
    };
    const done = (words: string, mentions: readonly string[]) => {
      act(words, mentions);
      close();
    };
    const composer = new Composer({
      trans,
      label,
      text,
      people: () => session.people,
      find: query => session.findPeople?.(query),
      actions: [{ id: 'save', label: save, act: done }],
      cancelled: close
    });
    this._editing = { id, composer };
    this.update();
    composer.focus();
  }

  private _more(count: number): HTMLElement {
    const { trans } = this._options;
    const label = trans.__('Show %1 more', count);
    const made = button('more', label, () => {
      this._isOpened = true;
      this.update();
    });
    made.className = 'rtcw-Thread-more';
    return item(made);
  }

  private _resolved(name: string, at: number): HTMLElement {
    const { trans } = this._options;
    const row = element('div', 'rtcw-Thread-happening');
    row.setAttribute('role', 'listitem');
    row.append(
      draw('check', '14px'),
      element('span', '', trans.__('Resolved by %1', name)),
      this._time(at)
    );
    return row;
  }

  /** What the relay did not do: why, the text, and what can be done. */
  private _refused(asked: IAsked): HTMLElement {
    const { id, method, params, refused } = asked;
    const { session, trans } = this._options;
    const { discussion } = session;
    const editing = this._editing?.id === id;
    const drawn = JSON.stringify([refused, params, editing]);
    const known = this._rows.get(id);
    if (known?.what === drawn) {
      return known.row;
    }
    const box = element('div', 'rtcw-Refused');
    box.setAttribute('role', 'alert');
    const row = item(box);
    const what =
      method === 'comments.add'
        ? trans.__('Not sent')
        : method === 'comments.edit'
          ? trans.__('Not changed')
          : trans.__('Not done');
    box.append(element('strong', '', what), element('p', '', refused ?? ''));
    this._rows.set(id, { row, what: drawn, isEditing: editing });
    if (this._editing && editing) {
      box.append(this._editing.composer.node);
      return row;
    }
    if (params.body) {
      box.append(element('blockquote', '', params.body));
    }
    const tools = element('div', 'rtcw-Composer-buttons');
    const again = () => discussion.again(id);
    tools.append(button('again', trans.__('Try Again'), again));
    const { body } = params;
    if (body) {
      const change = () => this._reword(id, body);
      tools.append(button('change', trans.__('Change'), change));
      const copy = button('copy', trans.__('Copy Text'), () => {
        void navigator.clipboard.writeText(body).then(() => {
          copy.textContent = trans.__('Copied');
        });
      });
      tools.append(copy);
    }
    const discard = () => {
      discussion.discard(id);
      this.node.focus();
    };
    tools.append(button('discard', trans.__('Discard'), discard));
    box.append(tools);
    return row;
  }

  /** Let the person say in other words what was refused. */
  private _reword(id: string, text: string): void {
    const { session, trans } = this._options;
    this._rewrite({
      id,
      label: trans.__('Change what was not sent'),
      text,
      save: trans.__('Send'),
      act: (words, mentions) => session.discussion.reword(id, words, mentions)
    });
  }

  // --- the reply

  private _drawFoot(thread: IShownThread): void {
    const { session, trans } = this._options;
    const { discussion } = session;
    if (!discussion.mayComment || !thread.comments.length || thread.deleted) {
      this._foot.replaceChildren();
    } else if (this._reply) {
      arrange(this._foot, [this._reply.node]);
    } else if (!this._foot.querySelector('.rtcw-Thread-reply')) {
      const label = trans.__('Reply…');
      const open = button('reply', label, () => this.reply());
      open.className = 'rtcw-Thread-reply';
      this._foot.replaceChildren(open);
    }
  }

  private _makeReply(thread: IShownThread): Composer {
    const { session, trans } = this._options;
    const { discussion } = session;
    const send = (isResolved: boolean) => {
      return (text: string, mentions: readonly string[]) => {
        session.private.keep(this._id, '');
        this._reply = null;
        discussion.reply(this._id, text, mentions, isResolved);
        this.update();
        this.node.focus();
      };
    };
    const actions = [
      { id: 'send', label: trans.__('Reply'), act: send(false) }
    ];
    if (discussion.mayManage(thread) && thread.state === 'open') {
      const label = trans.__('Reply & Resolve');
      actions.push({ id: 'send-resolve', label, act: send(true) });
    }
    return new Composer({
      trans,
      label: trans.__('Reply'),
      text: session.private.draft(this._id),
      people: () => session.people,
      find: query => session.findPeople?.(query),
      actions,
      typed: text => session.private.keep(this._id, text),
      cancelled: () => {
        // The draft stays, and is there when the person replies again.
        this._reply = null;
        this.update();
        this.node.focus();
      }
    });
  }

  private readonly _head = element('header', 'rtcw-Thread-head');
  private readonly _comments = element('div', 'rtcw-Thread-comments');
  private readonly _foot = element('footer', 'rtcw-Thread-foot');
  private readonly _rows = new Map<
    string,
    { row: HTMLElement; what: string; isEditing: boolean }
  >();
  private _headDrawn = '';
  private _isActive = false;
  private _isOpened = false;
  private _reply: Composer | null = null;
  private _editing: { id: string; composer: Composer } | null = null;
  private _deleting: string | null = null;
}

/** Return a row of a list that holds something else. */
function item(content: HTMLElement): HTMLElement {
  const row = element('div', 'rtcw-Thread-item');
  row.setAttribute('role', 'listitem');
  row.append(content);
  return row;
}

function focusedIn(node: HTMLElement): string | null {
  const { activeElement } = document;
  return activeElement instanceof HTMLElement && node.contains(activeElement)
    ? (activeElement.dataset['id'] ?? null)
    : null;
}

function focus(node: HTMLElement, id: string | null): void {
  if (id !== null) {
    node.querySelector<HTMLElement>(`[data-id="${id}"]`)?.focus();
  }
}
