/** Renders what somebody wrote, which is never trusted, and marks who is mentioned. */

import type { IMentionable } from './mentions';
import { mentionsAt } from './mentions';
import type { Markdown } from './shared';

const BLOCKS = 'p, ul, ol, blockquote, table, h1, h2, h3, h4, h5, h6';

/** Fill an element with a comment's text; the plain text stands there until it is rendered. */
export function renderBody(
  into: HTMLElement,
  body: string,
  markdown: Markdown,
  people: readonly Pick<IMentionable, 'user' | 'name'>[],
  me: string
): void {
  into.textContent = body;
  into.dir = 'auto';
  into.classList.add('rtcw-mod-plain');
  const done = () => {
    into.classList.remove('rtcw-mod-plain');
    for (const link of into.querySelectorAll('a[href]')) {
      if (!link.getAttribute('href')!.startsWith('#')) {
        link.setAttribute('target', '_blank');
        link.setAttribute('rel', 'noopener noreferrer');
      }
    }
    // People write in both directions, also in one thread.
    for (const block of into.querySelectorAll<HTMLElement>(BLOCKS)) {
      block.dir = 'auto';
    }
    markMentions(into, people, me);
  };
  // What renders is loaded when it is first needed: without a connection the plain text stays, until the comment is drawn
  // anew.
  void markdown(into, body).then(done, () => undefined);
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
