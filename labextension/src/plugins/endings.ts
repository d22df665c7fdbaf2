/** Tells a person why a document ended, and gives back what they typed. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, type Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import type { IDocumentWidget } from '@jupyterlab/docregistry';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';
import type { IUnsaved } from '../documents/unacknowledged';
import type { CloseCode } from '../protocol/codes';
import type { IClosed } from '../provider';
import { isTextOfNotebook } from '../text_view/text_state';
import { type ILiveDocument, ILiveDocuments } from '../tokens';
import { toast } from './toast';

/** The command that opens the current document again. */
export const OPEN_AGAIN = 'rtc-widgets:open-again';

/** The widget factories that show shared documents, by type. */
const FACTORIES: Readonly<Record<string, string>> = {
  notebook: 'Notebook',
  file: 'Editor'
};

/** What keeps a file from being shared, but not from being opened. */
const ORDINARY: readonly CloseCode[] = ['too-large', 'unknown-type'];

/** Tell whether a file that cannot be shared can be opened; as text also a notebook that has to be mended. */
function isOrdinary(live: ILiveDocument, code: CloseCode): boolean {
  return (
    ORDINARY.includes(code) || (code === 'unreadable' && isTextOfNotebook(live))
  );
}

/** Open a document anew, from an empty model: the old one's history is worth nothing to the relay. */
function reopen(
  app: JupyterFrontEnd,
  manager: IDocumentManager,
  { path, type, model }: ILiveDocument
): IDocumentWidget | undefined {
  const current = app.shell.currentWidget;
  const shown = [...app.shell.widgets('main')].filter(
    widget => manager.contextForWidget(widget)?.model.sharedModel === model
  );
  const activate = shown.includes(current as Widget);
  for (const widget of shown) {
    // Not `close`, which asks whether to save: there is nothing left that could be saved.
    widget.dispose();
  }
  return shown.length
    ? manager.openOrReveal(path, FACTORIES[type], undefined, {
        activate,
        // In Notebook 7: in this page, not in another one.
        ref: '_noref'
      })
    : undefined;
}

function copyAction(
  unsaved: readonly IUnsaved[],
  trans: TranslationBundle
): Notification.IAction[] {
  if (!unsaved.length) {
    return [];
  }
  const text = unsaved.map(item => item.text).join('\n\n');
  return [
    {
      label: trans.__('Copy My Text'),
      caption: trans.__('Copy what you typed and the server did not keep'),
      callback: event => {
        // Stay: it is the last place that has the text.
        event.preventDefault();
        Clipboard.copyToSystem(text);
      }
    }
  ];
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:endings',
  description: 'Tells why a shared document ended and gives typed text back.',
  autoStart: true,
  requires: [ILiveDocuments, IDocumentManager],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    manager: IDocumentManager,
    translator: ITranslator | null
  ) => {
    if (!documents) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('rtc_widgets');

    const explain = (
      live: ILiveDocument,
      { code, reason, unsaved }: IClosed
    ) => {
      const name = PathExt.basename(live.path);
      toast('error', `${name}: ${trans.__(reason)}`, trans, {
        autoClose: false,
        actions: [
          ...copyAction(unsaved, trans),
          code === 'version-mismatch'
            ? {
                label: trans.__('Reload the Page'),
                callback: () => window.location.reload()
              }
            : {
                label: trans.__('Open Again'),
                callback: () => void reopen(app, manager, live)
              }
        ]
      });
    };

    const current = () => {
      const widget = app.shell.currentWidget;
      const context = widget && manager.contextForWidget(widget);
      const live = context && documents.find(context.model.sharedModel);
      return live?.provider.state === 'closed' ? live : undefined;
    };
    app.commands.addCommand(OPEN_AGAIN, {
      label: trans.__('Open the Document Again'),
      caption: trans.__('Open a document again that was closed'),
      isEnabled: () => current() !== undefined,
      describedBy: { args: {} },
      execute: () => {
        const found = current();
        if (found) {
          reopen(app, manager, found);
        }
      }
    });

    /** Open a file that cannot be shared as if there were no rtc_widgets. */
    const openOrdinarily = (live: ILiveDocument, { code, reason }: IClosed) => {
      const why = { code, detail: reason };
      const unshared = documents.unshare(live.path, live.type, why);
      // Before JupyterLab hears of the refusal, so that it has no widget left to show a dialog for.
      const widget = reopen(app, manager, live);
      if (!widget) {
        unshared.dispose();
        return;
      }
      widget.context.disposed.connect(() => unshared.dispose());
      toast('warning', trans.__(reason), trans, { autoClose: false });
    };

    documents.added.connect((_, live) => {
      live.provider.closed.connect((_, closed) => {
        if (!live.provider.hasSynced) {
          if (isOrdinary(live, closed.code)) {
            openOrdinarily(live, closed);
          }
          // Else JupyterLab shows a dialog with the reason and closes the widget.
          return;
        }
        if (closed.code === 'lineage-mismatch') {
          reopen(app, manager, live);
        } else {
          explain(live, closed);
        }
      });
    });

    documents.recovered.connect((_, { document, why, added }) => {
      if (added) {
        const name = PathExt.basename(document.path);
        const message =
          why === 'deleted'
            ? trans._n(
                'A cell of %2 was deleted or moved while somebody typed in it. What was typed is in a cell of its own.',
                '%1 cells of %2 were deleted or moved while somebody typed in them. What was typed is in cells of its own.',
                added,
                name
              )
            : trans._n(
                '%2 was started anew on the server. What you typed meanwhile is in a cell of its own.',
                '%2 was started anew on the server. What you typed meanwhile is in %1 cells of their own.',
                added,
                name
              );
        toast('warning', message, trans, { autoClose: false });
      }
    });
  }
};

export default plugin;
