/** Shows how the current document stands, with what can be done about it, in the status bar or the top bar. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  Clipboard,
  ICommandPalette,
  IToolbarWidgetRegistry
} from '@jupyterlab/apputils';
import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { DocumentWidget, type IDocumentWidget } from '@jupyterlab/docregistry';
import { FileEditor } from '@jupyterlab/fileeditor';
import { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';
import { whereIs } from '../presence/jump';
import { Roster } from '../presence/roster';
import type { Sharing } from '../sharing';
import { CurrentStanding, type ISubject } from '../standing/current';
import { drawDetails, LOAD } from '../standing/details';
import { StandingItem } from '../standing/item';
import { Popup } from '../standing/popup';
import type { IWhyNot } from '../standing/standing';
import { Watch } from '../standing/watch';
import type { Cure } from '../standing/words';
import { ILiveDocuments, ISharing } from '../tokens';
import { OPEN_AGAIN } from './endings';
import { JUMP } from './people';
import { openSettings } from './settings';

const ID = 'rtc-widgets:standing';
const OPEN = 'rtc-widgets:show-standing';
/** The place in the row, as schema/standing.json has it. */
const RANK = 80;

/** Return the document in front and why or how it is shared; null for what is neither a notebook nor a text file. */
function subjectOf(
  shown: Widget | null,
  documents: ILiveDocuments | null,
  sharing: Sharing | null
): ISubject | null {
  if (!(shown instanceof DocumentWidget)) {
    return null;
  }
  const widget: IDocumentWidget = shown;
  const { content, context } = widget;
  const isNotebook = content instanceof Notebook;
  if (!isNotebook && !(content instanceof FileEditor)) {
    return null;
  }
  const live = documents?.find(context.model.sharedModel);
  return {
    widget,
    watch: live && documents ? Watch.of(live, documents.link) : null,
    whyNot: live ? null : whyNot(isNotebook, context.path, documents, sharing),
    couldHaveKernel: () => widget instanceof NotebookPanel && runsPython(widget)
  };
}

function whyNot(
  isNotebook: boolean,
  path: string,
  documents: ILiveDocuments | null,
  sharing: Sharing | null
): IWhyNot | null {
  if (!documents) {
    return sharing?.whyNot ?? null;
  }
  return documents.whyUnshared(path, isNotebook ? 'notebook' : 'file');
}

/** Tell whether a kernel runs that could load the extension. */
function runsPython({ content, sessionContext }: NotebookPanel): boolean {
  const language = content.model?.defaultKernelLanguage ?? '';
  return (
    !!sessionContext.session?.kernel && language.toLowerCase() === 'python'
  );
}

/** Put a cell above the active one that links the kernel; the person runs it. */
function insertLoad({ content }: NotebookPanel): void {
  const { model, activeCellIndex } = content;
  const at = Math.max(0, activeCellIndex);
  model?.sharedModel.insertCell(at, { cell_type: 'code', source: LOAD });
  content.activeCellIndex = at;
  content.deselectAll();
  void content.scrollToItem(at, 'smart');
}

/** Show the details, and keep them true, until they are closed. */
function openDetails(
  { commands }: JupyterFrontEnd,
  current: CurrentStanding,
  trans: TranslationBundle,
  button: HTMLElement
): Popup | null {
  const { subject, shown } = current;
  if (!subject || !shown) {
    return null;
  }
  const { widget, watch } = subject;
  const popup = new Popup(button, trans.__('Collaboration'), 'rtcw-Details');
  const copy = (text: string) => {
    const focused = document.activeElement as HTMLElement | null;
    Clipboard.copyToSystem(text);
    // JupyterLab puts the selection back, and with it the focus, into an editor.
    focused?.focus();
  };
  const acts: Readonly<Record<Cure, () => void>> = {
    reconnect: () => watch?.live.provider.reconnect(),
    'sign-in': () => window.open(URLExt.join(PageConfig.getBaseUrl(), 'login')),
    save: () => void commands.execute('docmanager:save'),
    'copy-text': () => copy(watch?.texts.join('\n\n') ?? ''),
    'open-again': () => void commands.execute(OPEN_AGAIN),
    reload: () => window.location.reload(),
    download: () => void commands.execute('docmanager:download'),
    settings: () => openSettings(commands)
  };
  const draw = () => {
    // Another document is another popup.
    if (current.subject?.widget !== widget || !current.shown) {
      popup.dispose();
      return;
    }
    const participants = watch
      ? Roster.of(watch.live.model.awareness).participants
      : [];
    drawDetails(popup.node, current.shown, participants, {
      trans,
      whereIs: cell => whereIs(widget, cell),
      perform: cure => {
        acts[cure]();
        if (cure !== 'copy-text' && cure !== 'reconnect') {
          popup.leave();
        }
      },
      jump: key => {
        popup.dispose();
        void commands.execute(JUMP, { key });
      },
      insert: () => {
        popup.dispose();
        if (widget instanceof NotebookPanel) {
          insertLoad(widget);
        }
      },
      copy: () => copy(LOAD)
    });
    if (popup.isAttached) {
      popup.place();
    }
  };
  const roster = watch && Roster.of(watch.live.model.awareness);
  current.changed.connect(draw);
  roster?.changed.connect(draw);
  popup.disposed.connect(() => {
    current.changed.disconnect(draw);
    roster?.changed.disconnect(draw);
  });
  draw();
  popup.open();
  return popup;
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Shows how the current document stands.',
  autoStart: true,
  requires: [ILiveDocuments],
  optional: [
    ISharing,
    IStatusBar,
    IToolbarWidgetRegistry,
    ISettingRegistry,
    ICommandPalette,
    ITranslator
  ],
  activate: async (
    app: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    sharing: Sharing | null,
    statusBar: IStatusBar | null,
    toolbars: IToolbarWidgetRegistry | null,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    const { commands, shell } = app;
    const current = new CurrentStanding(trans);
    let popup: Popup | null = null;
    const toggle = (button: HTMLElement) => {
      const isOpen = popup?.isAttached ?? false;
      popup?.leave();
      popup = isOpen ? null : openDetails(app, current, trans, button);
    };
    let place = statusBar ? 'status-bar' : 'top-bar';
    const items: (readonly [string, StandingItem])[] = [];
    const refresh = () => {
      for (const [name, item] of items) {
        item.present(name === place ? current.shown : null);
      }
    };
    const make = (name: string) => {
      const item = new StandingItem(trans, toggle);
      items.push([name, item]);
      item.present(name === place ? current.shown : null);
      return item;
    };
    current.changed.connect(refresh);
    // The toolbar's settings name it, so it is made in any case.
    toolbars?.addFactory('TopBar', 'rtc-widgets-standing', () =>
      make('top-bar').standIn(app, RANK, () => make('top-bar'))
    );
    statusBar?.registerStatusItem(ID, {
      item: make('status-bar'),
      align: 'left',
      rank: 3,
      priority: 1,
      isActive: () => place === 'status-bar' && current.shown !== null,
      activeStateChanged: current.changed
    });
    commands.addCommand(OPEN, {
      label: trans.__('Show How This Document Stands'),
      caption: trans.__(
        'Show whether the document is live, who is here, and what can be done'
      ),
      isEnabled: () => current.shown !== null,
      describedBy: { args: {} },
      execute: () => {
        const all = items.map(([, item]) => item);
        const item = all.find(({ isVisible }) => isVisible) ?? all[0];
        if (item && !popup?.isAttached) {
          toggle(item.button);
        }
      }
    });
    palette?.addItem({
      command: OPEN,
      category: trans.__('Real-Time Collaboration')
    });

    const follow = () => {
      const subject = subjectOf(shell.currentWidget, documents, sharing);
      if (current.subject?.widget !== subject?.widget) {
        popup?.dispose();
      }
      current.follow(subject);
    };
    const look = () => current.look();
    let session: NotebookPanel | null = null;
    const followSession = () => {
      session?.sessionContext?.kernelChanged.disconnect(look);
      const { currentWidget } = shell;
      session = currentWidget instanceof NotebookPanel ? currentWidget : null;
      session?.sessionContext.kernelChanged.connect(look);
    };
    const onCurrent = () => {
      follow();
      followSession();
    };
    shell.currentChanged?.connect(onCurrent);
    documents?.added.connect((_, live) => {
      // From the beginning: what it remembers, nobody could ask later.
      Watch.of(live, documents.link);
      queueMicrotask(onCurrent);
    });
    void app.restored.then(onCurrent);

    const settings = await registry?.load(ID);
    const apply = () => {
      const chosen = settings?.composite['place'];
      const isMissing = chosen === 'status-bar' && !statusBar;
      place = isMissing ? 'top-bar' : (chosen as string);
      refresh();
      current.look();
    };
    settings?.changed.connect(apply);
    if (settings) {
      apply();
    }
  }
};

export default plugin;
