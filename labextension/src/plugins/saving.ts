/** Says that a save waits for the connection, quietly, and how it ended. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import type {
  DocumentRegistry,
  IDocumentWidget
} from '@jupyterlab/docregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { saveIcon } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import { Notice } from '../notice';
import { type ILiveDocument, ILiveDocuments } from '../tokens';
import { toast } from './toast';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:saving',
  description: 'Tells that a save waits for the connection.',
  autoStart: true,
  requires: [ILiveDocuments, IDocumentManager],
  optional: [ITranslator],
  activate: (
    { shell }: JupyterFrontEnd,
    documents: ILiveDocuments | null,
    manager: IDocumentManager,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    const notices = new WeakMap<IDocumentWidget, Notice>();

    // Not JupyterLab's notifications: a page fetches what draws them with the first of them, which it cannot now.
    const noticeOf = (widget: IDocumentWidget): Notice => {
      let notice = notices.get(widget);
      if (!notice) {
        const made = new Notice(trans, undefined, saveIcon);
        widget.node.append(made.node);
        widget.disposed.connect(() => made.dispose());
        notices.set(widget, made);
        notice = made;
      }
      return notice;
    };

    const shownIn = ({ model }: ILiveDocument): IDocumentWidget[] =>
      [...shell.widgets('main')].filter(
        (widget): widget is IDocumentWidget =>
          manager.contextForWidget(widget)?.model.sharedModel === model
      );

    /** JupyterLab's status bar says that saving has started until it hears how it ended. */
    const end = (
      { context }: IDocumentWidget,
      how: DocumentRegistry.SaveState
    ) => {
      if (context.saveState instanceof Signal) {
        context.saveState.emit(how);
      }
    };

    documents?.postponed.connect((_, { document, state, reason }) => {
      for (const widget of shownIn(document)) {
        const notice = noticeOf(widget);
        if (state === 'waits') {
          notice.say(
            trans.__(
              'No connection. Your changes are kept here, and are sent and saved when it is back.'
            ),
            []
          );
        } else {
          notice.clear();
          end(widget, state === 'done' ? 'completed' : 'failed');
        }
      }
      if (state === 'failed') {
        const name = PathExt.basename(document.path);
        toast('error', `${name}: ${trans.__(reason)}`, trans, {
          autoClose: false
        });
      }
    });
  }
};

export default plugin;
