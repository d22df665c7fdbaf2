/** Makes rtc_widgets the collaborative content provider of notebooks and text files, where nobody else is. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import {
  type FileEditorFactory,
  IEditorWidgetFactory
} from '@jupyterlab/fileeditor';
import {
  INotebookWidgetFactory,
  type NotebookWidgetFactory
} from '@jupyterlab/notebook';
import { type ContentsManager, ServerConnection } from '@jupyterlab/services';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import {
  ITranslator,
  nullTranslator,
  type TranslationBundle
} from '@jupyterlab/translation';
import { Connection, type ISocket } from '../channels/connection';
import { type FetchRequest, Rescue } from '../channels/rescue';
import { CONTENT_PROVIDER, ContentProvider } from '../content_provider';
import { MemoryDrafts } from '../documents/draft';
import { DatabaseDrafts } from '../drafts/database';
import { SUBPROTOCOL } from '../protocol/envelope';
import { type Fetch, type IRelay, refusal, relay } from '../rooms';
import type { Sharing } from '../sharing';
import { ILiveDocuments, ISharing } from '../tokens';
import { onWake } from '../wake';
import { toast } from './toast';

const ID = 'rtc-widgets:provider';
const TOLD = 'rtc_widgets:told-to-step-aside';

/** What notebooks and consoles have. */
interface IHasSession {
  readonly sessionContext: ISessionContext;
}

/** Plugins of other extensions that provide collaborative documents. */
const OTHERS: readonly (readonly [string, string])[] = [
  ['@jupyter/docprovider-extension:content-provider', 'jupyter-collaboration'],
  [
    '@jupyter-ai-contrib/server-documents:rtc-content-provider',
    'jupyter-server-documents'
  ]
];

function fetchWith(settings: ServerConnection.ISettings): Fetch {
  return (path, init) =>
    ServerConnection.makeRequest(
      URLExt.join(settings.baseUrl, path),
      init,
      settings
    );
}

function connect(settings: ServerConnection.ISettings): ISocket {
  const url = URLExt.join(settings.wsUrl, 'api/rtc_widgets/comms');
  const token =
    settings.appendToken && settings.token
      ? `?token=${encodeURIComponent(settings.token)}`
      : '';
  return new settings.WebSocket(url + token, [SUBPROTOCOL]);
}

/** Let requests that a network swallowed be sent again: all of the page's, for each of them may block ours. */
function rescue(settings: ServerConnection.ISettings): Rescue {
  const made = new Rescue(settings.fetch as FetchRequest);
  // JupyterLab's own managers hold these settings, and look the function up at each request.
  (settings as { fetch: FetchRequest }).fetch = made.fetch;
  return made;
}

/** Connect the kernels anew, which JupyterLab does not by itself where a connection is gone without a word. */
function reconnectKernels({ shell }: JupyterFrontEnd): void {
  for (const widget of shell.widgets('main')) {
    const { sessionContext } = widget as Partial<IHasSession>;
    // One that cannot be connected is shown as such by JupyterLab.
    sessionContext?.session?.kernel?.reconnect().catch(() => undefined);
  }
}

/** Ask who provides documents, or return null where our server extension does not answer. */
async function ask(fetch: Fetch): Promise<IRelay | null> {
  try {
    return await relay(fetch);
  } catch {
    // Without an answer from the server nothing can be shared, and JupyterLab says itself that the server is away.
    return null;
  }
}

/** Tell the person, once in this browser, why documents are not shared by rtc_widgets. */
function stepAside(other: string, trans: TranslationBundle): void {
  if (window.localStorage.getItem(TOLD) === other) {
    return;
  }
  window.localStorage.setItem(TOLD, other);
  toast(
    'info',
    trans.__(
      '%1 shares the documents here, so rtc_widgets stays aside. To switch, uninstall it and restart the server.',
      other
    ),
    trans,
    { autoClose: false }
  );
}

const plugin: JupyterFrontEndPlugin<ILiveDocuments | null> = {
  id: ID,
  description: 'Shares notebooks and text files through the rtc_widgets relay.',
  autoStart: true,
  requires: [INotebookWidgetFactory, ISettingRegistry],
  optional: [IEditorWidgetFactory, ITranslator, ISharing],
  provides: ILiveDocuments,
  activate: async (
    app: JupyterFrontEnd,
    notebooks: NotebookWidgetFactory.IFactory,
    settings: ISettingRegistry,
    editors: FileEditorFactory.IFactory | null,
    translator: ITranslator | null,
    sharing: Sharing | null
  ) => {
    const trans = (translator ?? nullTranslator).load('rtc_widgets');
    // Layout restoration waits for this activation, so no document is opened before it ends.
    const { composite } = await settings.load(ID);
    if (composite['provider'] === 'never') {
      sharing?.refuse('off');
      return null;
    }
    const { contents, user } = app.serviceManager;
    const drive = (contents as ContentsManager).defaultDrive;
    const registry = drive?.contentProviderRegistry;
    if (!drive || !registry) {
      sharing?.refuse('absent');
      return null;
    }
    const found = OTHERS.find(([id]) => app.hasPlugin(id));
    if (found || notebooks.contentProviderId) {
      sharing?.refuse('other', found?.[1]);
      stepAside(found?.[1] ?? trans.__('another extension'), trans);
      return null;
    }
    const serverSettings = app.serviceManager.serverSettings;
    const fetch = fetchWith(serverSettings);
    const answer = await ask(fetch);
    if (!answer) {
      sharing?.refuse('absent');
      return null;
    }
    if (answer.provider === 'other') {
      sharing?.refuse('other', answer.other ?? '');
      stepAside(answer.other ?? trans.__('another extension'), trans);
      return null;
    }

    const swallowed = rescue(serverSettings);
    const toServer = {
      connect: () => connect(serverSettings),
      refusal: () => refusal(fetch)
    };
    const connection = new Connection({
      ...toServer,
      revived: () => {
        swallowed.again();
        reconnectKernels(app);
      }
    });
    // Opened where a notebook's text is.
    const beside = new Connection({ ...toServer, revived: () => {} });
    onWake(() => connection.wake());
    connection.statusChanged.connect((_, { state }) => {
      if (state === 'connected') {
        beside.wake();
      }
    });
    const provider = new ContentProvider({
      drive,
      fetch,
      connection,
      link: connection,
      beside,
      user,
      server: serverSettings.baseUrl,
      drafts:
        composite['drafts'] === false
          ? new MemoryDrafts()
          : new DatabaseDrafts()
    });
    registry.register(CONTENT_PROVIDER, provider);
    notebooks.contentProviderId = CONTENT_PROVIDER;
    if (editors && !editors.contentProviderId) {
      editors.contentProviderId = CONTENT_PROVIDER;
    }
    return provider;
  }
};

export default plugin;
