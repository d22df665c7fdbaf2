/** Draws a widget into a page, with the components of the panel: over the page's own replica, or else over the kernel's. */

import { Composer } from '../comments/composer';
import { element } from '../comments/dom';
import { type Filter, FILTERS } from '../comments/filters';
import { CommentsView } from '../comments/panel';
import type { ISession } from '../comments/shared';
import { Feed } from './feed';
import type { IContext, IModel } from './model';
import type { IKit, IOpen } from './page';
import { RemoteSession } from './remote';

/** Draw one; what is returned ends it. */
export function mount(kit: IKit, { model, el, signal }: IContext): () => void {
  const ended = new AbortController();
  const view = new WidgetView(kit, model, ended.signal);
  el.append(view.node);
  const end = () => {
    if (!ended.signal.aborted) {
      ended.abort();
      view.dispose();
    }
  };
  signal?.addEventListener('abort', end);
  return end;
}

class WidgetView {
  constructor(
    private readonly _kit: IKit,
    private readonly _model: IModel,
    signal: AbortSignal
  ) {
    const { node } = this;
    this._kind = _model.get('_kind') as string;
    node.classList.add(`rtcw-mod-${this._kind}`);
    // JupyterLab's shortcuts are not meant where somebody writes, or goes from thread to thread.
    node.dataset['lmSuppressShortcuts'] = 'true';
    _kit.dress(node, signal);
    this._feed = new Feed(_model);
    this._remote = new RemoteSession(this._feed);
    this._feed.changed.connect(this._bind);
    _kit.documents?.changed.connect(this._bind);
    _model.on('change:filter', this._onFilter);
    _model.on('change:selected', this._onSelected);
    this._bind();
  }

  readonly node = element('div', 'rtcw-Widget');

  dispose(): void {
    this._model.off('change:filter', this._onFilter);
    this._model.off('change:selected', this._onSelected);
    this._kit.documents?.changed.disconnect(this._bind);
    this._view?.dispose();
    this._remote.dispose();
    this._feed.dispose();
    this.node.remove();
  }

  /** Look whether the document is open in this page, and draw anew where that is other than before. */
  private readonly _bind = (): void => {
    const { lineage } = this._feed.state.about;
    const open = (lineage && this._kit.documents?.find(lineage)) || null;
    const session = open?.session ?? this._remote;
    if (session === this._session) {
      this._view?.update();
      return;
    }
    this._session = session;
    this._open = open;
    this._view?.dispose();
    this._composer = null;
    this._view = this._draw(session);
    this.node.replaceChildren(this._view.node);
    if (this._kind === 'box') {
      this._compose();
    }
    session.discussion.changed.connect(this._onThreads);
    this._onThreads();
  };

  private _draw(session: ISession): CommentsView {
    const { trans, markdown } = this._kit;
    const { go = null, attach = null, copyLink = null } = this._open ?? {};
    const kind = this._kind;
    const view = new CommentsView({
      trans,
      markdown,
      go,
      attach,
      copyLink,
      numberOf: cell =>
        this._open
          ? this._open.numberOf(cell)
          : (this._feed.state.cells[cell] ?? null),
      label: this._label,
      isVisible: () => true,
      add: kind === 'comments' ? () => this._compose()?.focus() : null,
      keys: () => '',
      activated: id => this._tellSelected(id),
      chosen: filter => this._feed.choose('filter', filter),
      note: () => this._note(),
      wanted: ({ id }) =>
        kind === 'thread'
          ? id === this._model.get('_thread')
          : kind === 'comments' ||
            session.places.of(id)?.cell === this._model.get('_cell') ||
            this._begun.has(id),
      hasHead: kind === 'comments',
      filter:
        kind === 'comments' ? this._filter : kind === 'box' ? 'open' : 'all'
    });
    view.follow(session);
    return view;
  }

  /** The panel of the page has comments, too. */
  private get _label(): string {
    const { trans } = this._kit;
    switch (this._kind) {
      case 'thread':
        return trans.__('Thread of comments in an output');
      case 'box':
        return trans.__('Comments on one cell in an output');
      default:
        return trans.__('Comments in an output');
    }
  }

  private get _filter(): Filter {
    const filter = this._model.get('filter') as Filter;
    return FILTERS.includes(filter) ? filter : 'open';
  }

  /** Let the person begin a thread. */
  private _compose(): Composer | null {
    const session = this._session;
    if (!session || this._composer) {
      return this._composer;
    }
    const { trans } = this._kit;
    const isBox = this._kind === 'box';
    const key = `new:${isBox ? String(this._model.get('_cell')) : ''}`;
    const close = () => {
      const hadFocus = this._composer?.node.contains(document.activeElement);
      this._composer?.node.remove();
      this._composer = null;
      if (isBox) {
        const next = this._compose();
        if (hadFocus) {
          next?.focus();
        }
      }
    };
    const label = isBox
      ? trans.__('Comment on this cell')
      : trans.__('Comment on the whole document');
    const composer = new Composer({
      trans,
      label,
      text: session.private.draft(key),
      people: () => session.people,
      find: query => session.findPeople?.(query),
      actions: [
        {
          id: 'send',
          label: trans.__('Comment'),
          act: (text, mentions) => {
            session.private.keep(key, '');
            const anchor = this._model.get('_anchor') as Record<
              string,
              unknown
            >;
            const id = session.discussion.begin(anchor, text, mentions);
            this._begun.add(id);
            close();
            this._view?.reveal(id);
          }
        }
      ],
      typed: text => session.private.keep(key, text),
      cancelled: close
    });
    this._composer = composer;
    composer.node.classList.add('rtcw-mod-begin');
    if (isBox) {
      this._view!.node.append(composer.node);
    } else {
      this._view!.node.insertBefore(
        composer.node,
        this._view!.node.lastElementChild
      );
    }
    this._onThreads();
    return composer;
  }

  private readonly _onThreads = (): void => {
    if (this._composer) {
      const { discussion } = this._session!;
      this._composer.node.hidden = !discussion.mayComment;
    }
    if (this._kind === 'thread') {
      this._view?.look(this._model.get('_thread') as string);
    } else if (this._isSelecting !== null) {
      this._onSelected();
    }
    this._tellSelected(this._view?.active ?? null);
  };

  // --- what is chosen

  private readonly _onFilter = (): void => {
    if (this._view && this._kind === 'comments') {
      this._view.filter = this._filter;
    }
  };

  private readonly _onSelected = (): void => {
    const number = this._model.get('selected') as number | null;
    const { threads } = this._session!.discussion;
    const thread = threads.find(one => one.number && one.number === number);
    // It may not have come yet.
    this._isSelecting = number !== null && !thread ? number : null;
    if (thread && this._view?.active !== thread.id) {
      this._view?.reveal(thread.id);
    }
  };

  private _tellSelected(id: string | null): void {
    const thread = id && this._session?.discussion.thread(id);
    if (this._kind === 'comments' && thread && thread.number) {
      this._feed.choose('selected', thread.number);
    }
  }

  /** Say through whom it goes, where it is not this person who is signed. */
  private _note(): string | null {
    const { trans } = this._kit;
    const { about } = this._feed.state;
    const { standing } = this._feed;
    if (this._open) {
      return standing === 'ended'
        ? trans.__(
            'The kernel that showed this has ended. Comments go on here; for Python to hear what you choose, run the cell again.'
          )
        : null;
    }
    if (standing === 'never') {
      return trans.__('As it was when this page was saved.');
    }
    if (standing === 'ended') {
      return trans.__(
        'The kernel that showed this has ended. Run the cell again.'
      );
    }
    if (about.state === 'closed') {
      return trans.__(
        'This is not connected any more. Open the document again in Python, and run the cell again.'
      );
    }
    if (about.role === 'viewer' || about.state !== 'live') {
      return null;
    }
    const { name } = about.me;
    return about.via === 'local'
      ? trans.__(
          'Without a server: what you write is signed “%1”, and is in the file once Python saves it.',
          name
        )
      : about.via === 'kernel'
        ? trans.__(
            'Through the kernel: what you write is signed by the kernel, and what is new to you is not marked.'
          )
        : trans.__(
            'Through Python: what you write is signed “%1”, and what is new to you is not marked.',
            name
          );
  }

  private readonly _kind: string;
  private readonly _feed: Feed;
  private readonly _remote: RemoteSession;
  /** Threads that were begun here, which have no place yet. */
  private readonly _begun = new Set<string>();
  private _session: ISession | null = null;
  private _open: IOpen | null = null;
  private _view: CommentsView | null = null;
  private _composer: Composer | null = null;
  private _isSelecting: number | null = null;
}
