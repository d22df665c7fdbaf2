/** Two texts side by side, what differs marked: loaded when it is first needed. */

import { MergeView } from '@codemirror/merge';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Draw two texts into an element. */
export function drawDiff(
  parent: HTMLElement,
  here: string,
  there: string,
  trans: TranslationBundle
): MergeView {
  const isDark = document.body.dataset['jpThemeLight'] === 'false';
  const side = (doc: string, label: string) => {
    const extensions: Extension = [
      EditorState.readOnly.of(true),
      EditorView.lineWrapping,
      EditorView.theme({}, { dark: isDark }),
      EditorView.contentAttributes.of({ 'aria-label': label })
    ];
    return { doc, extensions };
  };
  return new MergeView({
    a: side(here, trans.__('Here')),
    b: side(there, trans.__('In the file')),
    parent
  });
}
