/** Renders Markdown as JupyterLab does. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Markdown } from './shared';

const MARKDOWN = 'text/markdown';

/** Return what renders Markdown in this page. */
export function labMarkdown(rendermime: IRenderMimeRegistry): Markdown {
  return async (into, text) => {
    const renderer = rendermime.createRenderer(MARKDOWN);
    const model = rendermime.createModel({
      data: { [MARKDOWN]: text },
      trusted: false
    });
    try {
      await renderer.renderModel(model);
      into.replaceChildren(...renderer.node.childNodes);
      // A heading's own link would lead out of the document.
      into
        .querySelectorAll('.jp-InternalAnchorLink')
        .forEach(one => one.remove());
      await rendermime.latexTypesetter?.typeset(into);
    } finally {
      renderer.dispose();
    }
  };
}
