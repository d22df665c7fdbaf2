/** The library that a kernel brings along for pages without our extension: what esbuild bundles. */

import buttons from '../../style/buttons.css';
import colors from '../../style/colors.css';
import comments from '../../style/comments.css';
import people from '../../style/people.css';
import plain from '../../style/plain.css';
import widgets from '../../style/widgets.css';
import type { IContext } from './model';
import { mount as mountWith } from './mount';
import { dressPlain, plainMarkdown, plainWords } from './plain';

const style = document.createElement('style');
style.textContent = [buttons, colors, people, comments, widgets, plain].join(
  '\n'
);
document.head.append(style);

/** Draw a widget. */
export function mount(context: IContext): () => void {
  return mountWith(
    {
      trans: plainWords,
      markdown: plainMarkdown,
      dress: dressPlain,
      documents: null
    },
    context
  );
}
