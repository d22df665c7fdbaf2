// A page of what others publish: the text of a file in an editor with jupyter-collaboration's cursors, above it
// jupyter-collaboration's list of users, all kept in step by y-websocket's client.
// Its address: ?file=PATH&name=NAME&color=COLOUR
import { EditorView } from '@codemirror/view';
import { remoteUserCursors, UsersItem } from '@jupyter/collaboration';
import { YFile, YNotebook } from '@jupyter/ydoc';
import { ybinding } from '@jupyterlab/codemirror';
import { Widget } from '@lumino/widgets';
import { WebsocketProvider } from 'y-websocket';

const asked = new URLSearchParams(location.search);
const file = asked.get('file');
const name = asked.get('name');
const model = file.endsWith('.ipynb') ? new YNotebook() : new YFile();
const { ydoc, awareness } = model;

// As JupyterLab's user service has it, and jupyter-collaboration tells it.
awareness.setLocalStateField('user', {
  username: name.toLowerCase(),
  name,
  display_name: name,
  initials: name[0],
  avatar_url: null,
  color: asked.get('color')
});
const provider = new WebsocketProvider(
  `${location.origin.replace('http', 'ws')}/api/rtc_widgets/yjs`,
  file,
  ydoc,
  { awareness, disableBc: true }
);
provider.once('sync', () => {
  const ytext = (model.cells?.[0] ?? model).ysource;
  const users = UsersItem.createWidget({ model: { sharedModel: model } });
  Widget.attach(users, document.body);
  window.view = new EditorView({
    doc: ytext.toString(),
    parent: document.body,
    extensions: [
      ybinding({ ytext }),
      remoteUserCursors({ awareness, ytext })
    ]
  });
});
window.addEventListener('pagehide', () => provider.destroy());
