/** Renders what somebody wrote as JupyterLab renders Markdown: never trusted. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IMentionable } from './mentions';
import { mentionsAt } from './mentions';

const MARKDOWN = 'text/markdown';

/** Fill an element with a comment's text; the plain text stands there until it is rendered. */
export function renderBody(
  into: HTMLElement,
  body: string,
  rendermime: IRenderMimeRegistry,
  people: readonly Pick<IMentionable, 'user' | 'name'>[],
  me: string
): void {
  into.textContent = body;
  into.classList.add('rtcw-mod-plain');
  const renderer = rendermime.createRenderer(MARKDOWN);
  const model = rendermime.createModel({
    data: { [MARKDOWN]: body },
    trusted: false
  });
  const done = () => {
    into.classList.remove('rtcw-mod-plain');
    into.replaceChildren(...renderer.node.childNodes);
    for (const link of into.querySelectorAll('a[href]')) {
      if (!link.getAttribute('href')!.startsWith('#')) {
        link.setAttribute('target', '_blank');
        link.setAttribute('rel', 'noopener noreferrer');
      }
    }
    // A heading's own link would lead out of the document.
    into
      .querySelectorAll('.jp-InternalAnchorLink')
      .forEach(one => one.remove());
    markMentions(into, people, me);
  };
  // What JupyterLab renders with is loaded when it is first needed: without a connection the plain text stays, until the
  // comment is drawn anew.
  void renderer
    .renderModel(model)
    .then(done, () => undefined)
    .finally(() => renderer.dispose());
}

function markMentions(
  into: HTMLElement,
  people: readonly Pick<IMentionable, 'user' | 'name'>[],
  me: string
): void {
  const walker = document.createTreeWalker(into, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) {
    const text = walker.currentNode as Text;
    if (!text.parentElement?.closest('code, pre, a')) {
      texts.push(text);
    }
  }
  for (const text of texts) {
    const found = mentionsAt(text.data, people);
    for (const { user, from, to } of found.reverse()) {
      const mention = text.splitText(from);
      mention.splitText(to - from);
      const span = document.createElement('span');
      span.className = `rtcw-Mention${user === me ? ' rtcw-mod-me' : ''}`;
      mention.replaceWith(span);
      span.append(mention);
    }
  }
}
