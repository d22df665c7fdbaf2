/** Comments: the panel, what they are about in editors and at cells, and the ways there and back. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import {
  EditorExtensionRegistry,
  IEditorExtensionRegistry
} from '@jupyterlab/codemirror';
import { PageConfig, PathExt } from '@jupyterlab/coreutils';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor, IEditorTracker } from '@jupyterlab/fileeditor';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { YFile } from '@jupyter/ydoc';
import { type ISignal, Signal } from '@lumino/signaling';
import type { IAsked } from '../comments/asked';
import { called } from '../comments/authors';
import { countAtCells } from '../comments/badges';
import { askForCopy } from '../comments/copy_in_file';
import type { INews } from '../comments/discussion';
import { highlights } from '../comments/highlights';
import { addCommentIcon, commentIcon } from '../comments/icons';
import { InPlace } from '../comments/in_place';
import { labMarkdown } from '../comments/lab_markdown';
import type { CommentsView } from '../comments/panel';
import { RenderedMarks } from '../comments/rendered';
import { SelectionButton } from '../comments/selection_button';
import { CommentSession } from '../comments/session';
import { CommentSessions } from '../comments/sessions';
import { CommentsPanel } from '../comments/sidebar';
import { starter } from '../comments/threads';
import {
  chosen,
  chosenOutput,
  endOfRead,
  goTo,
  type IChosen
} from '../comments/where';
import { makeAnchor, reattach, type Anchor } from '../documents/anchors';
import { placeInText } from '../text_view/comments';
import { isTextOfNotebook } from '../text_view/text_state';
import { type ILiveDocument, ILiveDocuments } from '../tokens';
import { mount } from '../widgets/mount';
import { type IDocuments, type IOpen, offer } from '../widgets/page';

const ID = 'rtc-widgets:comments';
/** Commands; schema/comments.json gives them keys. */
const COMMANDS = {
  add: 'rtc-widgets:comment',
  cell: 'rtc-widgets:comment-cell',
  output: 'rtc-widgets:comment-output',
  next: 'rtc-widgets:next-comment',
  previous: 'rtc-widgets:previous-comment',
  show: 'rtc-widgets:show-comments'
} as const;
/** In the page's address, before a thread's id. */
const LINK = '#rtc-thread=';
/** Under what pages of JupyterLab and Notebook 7 know which document their address opens. */
const PAGES = ['treePath', 'notebookPath'] as const;
/** Characters of a comment in a notification. */
const EXCERPT = 90;
/** Characters of what a comment cites. */
const CITED = 500;

/** Let a person read and write comments in a page. */
class Comments implements IDocuments {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _documents: ILiveDocuments,
    rendermime: IRenderMimeRegistry,
    private readonly _trans: TranslationBundle
  ) {
    this.panel = new CommentsPanel({
      trans: _trans,
      markdown: labMarkdown(rendermime),
      add: () => void _app.commands.execute(COMMANDS.add),
      keys: () => this._keys(),
      numberOf: cell =>
        this._view.session && numberOf(this._view.session, cell),
      go: id => this._go(id),
      attach: id => this._attach(id),
      copyLink: id => navigator.clipboard.writeText(this._link(id)),
      activated: id => this.sessions.look(this._view.session, id),
      leave: () => {
        const { session } = this._view;
        if (session) {
          _app.shell.activateById(session.widget.id);
        }
      }
    });
    this._button = new SelectionButton(
      () => _trans.__('Comment (%1)', this._keys()),
      () => void _app.commands.execute(COMMANDS.add)
    );
    document.addEventListener('selectionchange', () => this._followRead());
    this._wanted = linked();
    this._wantedIn = PAGES.map(PageConfig.getOption).find(Boolean) ?? null;
    window.addEventListener('hashchange', () => {
      this._wanted = linked();
      this._wantedIn = null;
      this._openWanted();
    });
  }

  readonly panel: CommentsPanel;

  readonly sessions = new CommentSessions();

  /** A document that has comments was opened or closed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Return the document of a lineage, for widgets in cells. */
  find(lineage: string): IOpen | null {
    // Those widgets are in a notebook, and not in its text.
    const [, session] =
      [...this._all].find(
        ([live, one]) => one.live === live && live.provider.lineage === lineage
      ) ?? [];
    return (
      (session && {
        session,
        numberOf: cell => numberOf(session, cell),
        go: id => this._go(id, session),
        attach: id => this._attach(id, session),
        copyLink: id => navigator.clipboard.writeText(this._link(id, session))
      }) ??
      null
    );
  }

  /** Take part in a document that was opened. */
  attach(widget: IDocumentWidget): void {
    const live = this._documents.find(widget.context.model.sharedModel);
    if (!live) {
      return;
    }
    const session = this._all.get(live) ?? this._begin(live, widget);
    if (widget instanceof NotebookPanel) {
      const pick = (id: string) => this.open(session, id);
      countAtCells(widget, session, pick, this._trans);
      new RenderedMarks(widget, session, this.sessions, pick);
    }
    this.follow();
    this._openWanted();
  }

  private _begin(live: ILiveDocument, widget: IDocumentWidget): CommentSession {
    // The text of a notebook is that notebook, and so are its comments.
    const isText = isTextOfNotebook(live);
    const told = isText ? this._documents.notebookOf(live) : live;
    const session = new CommentSession(told, widget);
    this._all.set(live, session);
    this.sessions.add(session);
    if (isText) {
      const text = live.model as YFile;
      this.sessions.addView(text.ydoc, session, place =>
        placeInText(text, place)
      );
    }
    session.discussion.arrived.connect((_, news) => this._tell(session, news));
    session.discussion.refused.connect((_, asked) =>
      this._tellRefused(session, asked)
    );
    session.discussion.changed.connect((_, ids) => {
      this._openWanted();
      if (!ids) {
        // What this person may do, perhaps.
        this._notify();
      }
    });
    askForCopy(session.discussion, this._trans);
    live.model.disposed.connect(() => {
      this._all.delete(live);
      this.follow();
      this._changed.emit();
    });
    // The lineage is known once it has come.
    const tell = () => this._changed.emit();
    void live.provider.synced.then(tell, tell);
    return session;
  }

  /** Show the comments of the document in front. */
  readonly follow = (): void => {
    const session = this._current();
    if (session !== this._view.session) {
      this._button.hide();
      this._view.follow(session);
    }
    this._notify();
  };

  /** Show a thread in the panel. */
  open(session: CommentSession, id: string): void {
    this._view.follow(session);
    this._app.shell.activateById(this.panel.id);
    this._view.reveal(id);
  }

  /** Let the person comment on what they chose. */
  comment(find: (widget: IDocumentWidget) => IChosen | null): void {
    const session = this._current();
    if (!session?.discussion.mayComment) {
      return;
    }
    const what = find(session.widget);
    if (!what) {
      this._tellWhere(session);
      return;
    }
    this._button.hide();
    const { target, quote } = what;
    const cell = 'cell' in target && target.cell ? target.cell : '';
    const number = numberOf(session, cell) ?? 0;
    const where =
      target.kind === 'output'
        ? this._trans.__('Output of cell %1', number)
        : this._trans.__('Cell %1', number);
    this._inPlace?.dispose();
    this._inPlace = new InPlace({
      session,
      trans: this._trans,
      key: `new:${cell}`,
      about: quote.trim() || where,
      text: cited(what),
      rect: what.rect,
      send: (text, mentions) => {
        const anchor = this._anchor(session, what, text);
        if (anchor) {
          const id = session.discussion.begin({ ...anchor }, text, mentions);
          if (this.panel.isVisible) {
            this._view.reveal(id);
          }
        }
      },
      left: what.focus
    });
    this._inPlace.open();
  }

  /** Say where one can comment. */
  private _tellWhere({ widget }: CommentSession): void {
    if (widget.content instanceof FileEditor) {
      Notification.info(
        this._trans.__('Select something of a cell to comment on it.'),
        { autoClose: 10_000 }
      );
    }
  }

  /** Whether the person may comment on what is in front. */
  get mayComment(): boolean {
    return this._current()?.discussion.mayComment === true;
  }

  get hasThreads(): boolean {
    return (this._current()?.discussion.threads.length ?? 0) > 0;
  }

  /** Go from one thread to the next, and around. */
  step(step: 1 | -1): void {
    const session = this._current();
    const id = session && this._view.next(step);
    if (session && id) {
      const hasFocus = this.panel.node.contains(document.activeElement);
      this.open(session, id);
      if (hasFocus) {
        this._view.focus(id);
      }
      this._go(id);
    }
  }

  /** Return what an editor shows. */
  extension(text: YFile['ysource']) {
    return highlights(text, {
      sessions: this.sessions,
      pick: id => {
        const session = this.sessions.of(text.doc);
        if (session) {
          this.open(session, id);
        }
      },
      selected: view => {
        const mayComment = this.sessions.of(text.doc)?.discussion.mayComment;
        this._button.follow(mayComment && this.offersButton ? view : null);
      },
      label: count => this._trans._n('%1 comment', '%1 comments', count)
    });
  }

  offersButton = true;

  /** Offer the button also where there is no editor. */
  private _followRead(): void {
    const isInEditor = document.activeElement?.closest('.cm-editor');
    const session = isInEditor ? null : this._current();
    const find =
      session?.discussion.mayComment && this.offersButton
        ? endOfRead(session.widget)
        : null;
    if (find || this._isRead) {
      this._button.followTo(find);
    }
    this._isRead = find !== null;
  }

  private _isRead = false;

  private _notify(): void {
    Object.values(COMMANDS).forEach(id =>
      this._app.commands.notifyCommandChanged(id)
    );
  }

  private _current(): CommentSession | null {
    const widget = this._app.shell
      .currentWidget as Partial<IDocumentWidget> | null;
    const model = widget?.context?.model.sharedModel;
    const live = model && this._documents.find(model);
    const found = live && this._all.get(live);
    if (found) {
      found.widget = widget as IDocumentWidget;
    }
    // What is in front without a document, a terminal say, leaves the panel as it is.
    const last = this._view.session;
    const isGone = !last || ![...this._all.values()].includes(last);
    return found ?? (widget?.context || isGone ? null : last);
  }

  private _anchor(
    { live }: CommentSession,
    { target, quote }: IChosen,
    text: string
  ): Anchor | null {
    const { ydoc } = live.model as YFile;
    try {
      return makeAnchor(ydoc, this._moved(ydoc, target, quote));
    } catch (error) {
      if (!(error instanceof RangeError)) {
        throw error;
      }
      void navigator.clipboard.writeText(text);
      Notification.warning(
        this._trans.__(
          'What you commented on was deleted meanwhile. Your text is in the clipboard.'
        )
      );
      return null;
    }
  }

  /** Others may have typed while the comment was written: look where the quote is now. */
  private _moved(
    ydoc: YFile['ydoc'],
    target: IChosen['target'],
    quote: string
  ): IChosen['target'] {
    if (target.kind !== 'range') {
      return target;
    }
    const cell = ydoc
      .getArray('cells')
      .toArray()
      .find(
        one => (one as { get(key: string): unknown }).get('id') === target.cell
      ) as { get(key: string): unknown } | undefined;
    const source = String(
      target.cell === undefined ? ydoc.getText('source') : cell?.get('source')
    );
    if (source.slice(target.start, target.end) === quote) {
      return target;
    }
    const start = source.indexOf(quote);
    return start < 0 && target.cell !== undefined
      ? { kind: 'cell', cell: target.cell }
      : { ...target, start, end: start + quote.length };
  }

  private _attach(id: string, session = this._view.session): void {
    const thread = session?.discussion.thread(id);
    const what = session && chosen(session.widget);
    if (session && thread && what) {
      const { ydoc } = session.live.model as YFile;
      const old = thread.anchor as unknown as Anchor;
      const anchor = reattach(ydoc, old, what.target);
      session.discussion.attach(id, { ...anchor });
    }
  }

  private _go(id: string, session = this._view.session): void {
    const place = session?.places.of(id);
    if (session && place) {
      void goTo(session.widget, place);
    }
  }

  private _link(id: string, session = this._view.session): string {
    const path = session?.live.path ?? '';
    const page = new URL(
      this._app.name === 'JupyterLab'
        ? PageConfig.getUrl({
            workspace: PageConfig.defaultWorkspace,
            treePath: path,
            toShare: true
          })
        : window.location.href,
      window.location.href
    );
    page.searchParams.delete('token');
    page.hash = LINK + id;
    return page.href;
  }

  private _openWanted(): void {
    const id = this._wanted;
    const session = [...this._all.values()].find(
      ({ discussion }) => id && discussion.thread(id)
    );
    if (!session || !id) {
      this._tellGone();
      return;
    }
    this._wanted = null;
    void Promise.all([this._app.restored, session.widget.context.ready]).then(
      async () => {
        this._app.shell.activateById(session.widget.id);
        this.open(session, id);
        await session.widget.revealed;
        this._go(id);
      }
    );
  }

  /** Say so where a link leads to a thread that is not there. */
  private _tellGone(): void {
    const id = this._wanted;
    const session =
      this._wantedIn === null
        ? this._current()
        : [...this._all.values()].find(
            ({ live }) => live.path === this._wantedIn
          );
    if (!id || !session?.discussion.isReady) {
      return;
    }
    this._wanted = null;
    const deleted = session.discussion.deleted(id);
    Notification.info(
      deleted
        ? this._trans.__(
            '%1 deleted the thread to which the link leads.',
            deleted.by.name
          )
        : this._trans.__(
            'The link leads to a thread that is not in %1.',
            PathExt.basename(session.live.path)
          ),
      { autoClose: 10_000 }
    );
  }

  /** Show what the relay did not do, where it is not seen anyway. */
  private _tellRefused(session: CommentSession, { params }: IAsked): void {
    if (this.panel.isVisible && this._view.session === session) {
      this._view.reveal(params.thread);
      return;
    }
    Notification.warning(
      this._trans.__('Your comment was not sent. Nothing of it is lost.'),
      {
        autoClose: false,
        actions: [
          {
            label: this._trans.__('Show'),
            callback: () => this.open(session, params.thread)
          }
        ]
      }
    );
  }

  /** Tell the person that somebody mentions or answers them; all else can wait. */
  private _tell(session: CommentSession, { thread, comment }: INews): void {
    const { discussion } = session;
    const isMentioned = comment.mentions.includes(discussion.me.user);
    const isAnswer =
      discussion.isMine(starter(thread)) ||
      thread.comments.some(
        ({ by, n, mentions }) =>
          n < comment.n &&
          (discussion.isMine(by) || mentions.includes(discussion.me.user))
      );
    const isSeen =
      this.panel.isVisible &&
      this._view.active === thread.id &&
      document.hasFocus();
    // Who has the notebook open both as such and as text is told once.
    const [first] = [...this._all.values()].filter(
      ({ live }) => live.path === session.live.path
    );
    if (isSeen || first !== session || (!isMentioned && !isAnswer)) {
      return;
    }
    const name = called(
      comment.by,
      this._trans,
      session.lookOf(comment.by).name
    );
    const words = comment.body.replace(/\s+/g, ' ').slice(0, EXCERPT);
    const message = isMentioned
      ? this._trans.__('%1 mentions you: %2', name, words)
      : this._trans.__('%1 replied: %2', name, words);
    Notification.info(message, {
      autoClose: 10_000,
      actions: [
        {
          label: this._trans.__('Show'),
          callback: () => {
            this._app.shell.activateById(session.widget.id);
            this.open(session, thread.id);
            this._go(thread.id);
          }
        }
      ]
    });
  }

  private _keys(): string {
    const binding = this._app.commands.keyBindings.find(
      ({ command }) => command === COMMANDS.add
    );
    return binding
      ? binding.keys.join(' ').replaceAll(' ', '+')
      : this._trans.__('Comment');
  }

  private get _view(): CommentsView<CommentSession> {
    return this.panel.view;
  }

  private readonly _changed = new Signal<this, void>(this);
  private readonly _all = new Map<ILiveDocument, CommentSession>();
  private readonly _button: SelectionButton;
  private _inPlace: InPlace | null = null;
  /** The thread to which the page's address leads, until it is found, and in which document; null: in the one in front. */
  private _wanted: string | null;
  private _wantedIn: string | null;
}

/** Return words as Markdown that says just them, with which a comment begins: nothing in them is markup, or mentions anybody. */
function cited({ cited: words }: IChosen): string {
  if (!words) {
    return '';
  }
  const text = words.length > CITED ? `${words.slice(0, CITED)}…` : words;
  const longest = Math.max(
    2,
    ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length)
  );
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}\n\n`;
}

/** Return the number of a cell, null where it is not there. */
function numberOf({ live }: CommentSession, cell: string): number | null {
  const cells = (live.model as YFile).ydoc.getArray<unknown>('cells');
  const number =
    cells
      .toArray()
      .findIndex(one => (one as Map<string, unknown>).get('id') === cell) + 1;
  return number || null;
}

/** Return the thread that the page's address names. */
function linked(): string | null {
  const { hash } = window.location;
  return hash.startsWith(LINK) ? hash.slice(LINK.length) : null;
}

function addCommands(
  app: JupyterFrontEnd,
  comments: Comments,
  palette: ICommandPalette | null,
  trans: TranslationBundle
): void {
  const { commands } = app;
  const category = trans.__('Real-Time Collaboration');
  const describedBy = { args: { type: 'object', properties: {} } } as const;
  const add = (
    id: string,
    options: Pick<
      Parameters<typeof commands.addCommand>[1],
      'label' | 'caption' | 'icon' | 'execute' | 'isEnabled' | 'isVisible'
    >
  ) => {
    commands.addCommand(id, { ...options, describedBy });
    palette?.addItem({ command: id, category });
  };
  const isEnabled = () => comments.mayComment;
  add(COMMANDS.add, {
    label: trans.__('Comment on the Selection'),
    caption: trans.__('Comment on the selected text, or on the cell'),
    icon: addCommentIcon,
    isEnabled,
    execute: () => comments.comment(widget => chosen(widget))
  });
  add(COMMANDS.cell, {
    label: trans.__('Comment on the Cell'),
    caption: trans.__('Comment on this cell'),
    icon: addCommentIcon,
    isEnabled,
    isVisible: isEnabled,
    execute: () => comments.comment(widget => chosen(widget, true))
  });
  commands.addCommand(COMMANDS.output, {
    label: trans.__('Comment on the Output'),
    icon: addCommentIcon,
    isEnabled,
    isVisible: isEnabled,
    describedBy,
    execute: () => {
      const node = app.contextMenuHitTest(({ classList }) =>
        classList.contains('jp-OutputArea-child')
      );
      if (node) {
        comments.comment(widget => chosenOutput(widget, node));
      }
    }
  });
  add(COMMANDS.show, {
    label: trans.__('Show Comments'),
    icon: commentIcon,
    execute: () => app.shell.activateById(comments.panel.id)
  });
  const hasThreads = () => comments.hasThreads;
  add(COMMANDS.next, {
    label: trans.__('Next Comment'),
    isEnabled: hasThreads,
    execute: () => comments.step(1)
  });
  add(COMMANDS.previous, {
    label: trans.__('Previous Comment'),
    isEnabled: hasThreads,
    execute: () => comments.step(-1)
  });
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description:
    'Shows comments on notebooks and text files, and lets people write them.',
  autoStart: true,
  requires: [ILiveDocuments, IRenderMimeRegistry],
  optional: [
    IEditorExtensionRegistry,
    INotebookTracker,
    IEditorTracker,
    ISettingRegistry,
    ICommandPalette,
    ILayoutRestorer,
    ITranslator
  ],
  activate: async (
    app: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    rendermime: IRenderMimeRegistry,
    extensions: IEditorExtensionRegistry | null,
    notebooks: INotebookTracker | null,
    editors: IEditorTracker | null,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    if (!documents) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    const comments = new Comments(app, documents, rendermime, trans);
    const { panel } = comments;
    const components = {
      trans,
      markdown: labMarkdown(rendermime),
      dress: () => {},
      documents: comments
    };
    offer({ mount: context => mount(components, context) });
    addCommands(app, comments, palette, trans);
    extensions?.addExtension({
      name: ID,
      factory: ({ model }) => {
        const { awareness, ysource } = model.sharedModel as Partial<YFile>;
        return awareness && ysource?.doc
          ? EditorExtensionRegistry.createImmutableExtension(
              comments.extension(ysource)
            )
          : null;
      }
    });
    const attach = (_: unknown, widget: IDocumentWidget) =>
      comments.attach(widget);
    notebooks?.widgetAdded.connect(attach);
    notebooks?.forEach(widget => attach(notebooks, widget));
    editors?.widgetAdded.connect(attach);
    editors?.forEach(widget => attach(editors, widget));
    app.shell.currentChanged?.connect(comments.follow);
    void app.restored.then(comments.follow);

    const settings = await registry?.load(ID);
    const side = () => (settings?.composite['side'] as string) ?? 'right';
    let place = side();
    app.shell.add(panel, place, { rank: 850, type: 'Comments' });
    restorer?.add(panel, panel.id);
    const apply = () => {
      const { dataset } = document.body;
      const isOn = settings?.composite['highlights'] !== false;
      dataset['rtcwComments'] = isOn ? 'on' : 'off';
      const hasLines = settings?.composite['lines'] !== false;
      dataset['rtcwLines'] = hasLines ? 'on' : 'off';
      comments.offersButton = settings?.composite['button'] !== false;
      if (side() !== place) {
        place = side();
        app.shell.add(panel, place, { rank: 850, type: 'Comments' });
      }
    };
    settings?.changed.connect(apply);
    apply();
  }
};

export default plugin;
