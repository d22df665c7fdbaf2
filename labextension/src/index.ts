/** The JupyterLab extension: its plugins, and nothing else. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import comments from './plugins/comments';
import cursors from './plugins/cursors';
import endings from './plugins/endings';
import kernelComm from './plugins/kernel_comm';
import kernelEdits from './plugins/kernel_edits';
import notices from './plugins/notices';
import ownUndo from './plugins/own_undo';
import people from './plugins/people';
import provider from './plugins/provider';
import readOnly from './plugins/read_only';
import saving from './plugins/saving';
import settings from './plugins/settings';
import sharing from './plugins/sharing';
import signOut from './plugins/sign_out';
import standing from './plugins/standing';
import textView from './plugins/text_view';
import trust from './plugins/trust';
import undecided from './plugins/undecided';
import whereabouts from './plugins/whereabouts';

export * from './tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  settings,
  sharing,
  provider,
  readOnly,
  endings,
  undecided,
  saving,
  signOut,
  notices,
  textView,
  trust,
  whereabouts,
  cursors,
  comments,
  people,
  kernelComm,
  kernelEdits,
  ownUndo,
  standing
];

export default plugins;
