/** Says that a save waits for the connection, quietly, and how it ended; saves where JupyterLab only says so. */

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

/** Of an error with this name JupyterLab says nothing: of what a person gave up. */
const CANCELED = 'ModalCancelError';

/** Have the relay save what JupyterLab before 4.4.3 does not: of a shared document it says that it did, and asks nobody. */
class Unasked implements DocumentRegistry.IWidgetExtension<
  IDocumentWidget,
  DocumentRegistry.IModel
> {
  constructor(
    private readonly _documents: ILiveDocuments,
    private readonly _fail: (document: ILiveDocument, reason: string) => void
  ) {
    _documents.saving.connect((_, document) => this._asked.add(document));
  }

  createNew(
    _widget: IDocumentWidget,
    context: DocumentRegistry.IContext<DocumentRegistry.IModel>
  ): void {
    // Two views of a document have one context.
    if (this._followed.has(context)) {
      return;
    }
    this._followed.add(context);
    const save = context.save.bind(context);
    context.save = async () => {
      const document = this._documents.find(context.model.sharedModel);
      if (document) {
        this._asked.delete(document);
      }
      await save();
      if (document && !this._asked.has(document)) {
        await this._save(document);
      }
    };
  }

  private async _save(document: ILiveDocument): Promise<void> {
    try {
      await this._documents.requestSave(document);
    } catch (error) {
      const { name, message } = error as Error;
      if (name === CANCELED) {
        throw error; // it waits, which is told already
      }
      this._fail(document, message);
      throw Object.assign(new Error(message), { name: CANCELED });
    }
  }

  private readonly _followed = new WeakSet<object>();
  private readonly _asked = new WeakSet<ILiveDocument>();
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'rtc-widgets:saving',
  description: 'Tells that a save waits for the connection.',
  autoStart: true,
  requires: [ILiveDocuments, IDocumentManager],
  optional: [ITranslator],
  activate: (
    { docRegistry, shell }: JupyterFrontEnd,
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

    const fail = ({ path }: ILiveDocument, reason: string) =>
      toast('error', `${PathExt.basename(path)}: ${trans.__(reason)}`, trans, {
        autoClose: false
      });

    if (documents) {
      for (const factory of ['Notebook', 'Editor']) {
        docRegistry.addWidgetExtension(factory, new Unasked(documents, fail));
      }
    }
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
        fail(document, reason);
      }
    });
  }
};

export default plugin;
