/** How widgets are drawn in a page without JupyterLab's parts: its own renderer, words and colours. */

import DOMPurify from 'dompurify';
import { Marked } from 'marked';
import type { Markdown, Words } from '../comments/shared';

/** Of what people write, only what belongs into a text. */
const ALLOWED = {
  USE_PROFILES: { html: true },
  FORBID_TAGS: ['style', 'form', 'input', 'button', 'textarea', 'select'],
  FORBID_ATTR: ['style', 'class', 'id', 'name'],
  RETURN_DOM_FRAGMENT: true as const
};

const marked = new Marked({ gfm: true });

/** Render Markdown; never what is raw HTML that could act. */
export const plainMarkdown: Markdown = (into, text) => {
  const html = marked.parse(text, { async: false });
  into.replaceChildren(DOMPurify.sanitize(html, ALLOWED));
  return Promise.resolve();
};

/** The words as they stand in the code: English. */
export const plainWords: Words = {
  __: (text: string, ...args: unknown[]) => filled(text, args),
  _n: (one: string, many: string, count: number, ...args: unknown[]) =>
    filled(count === 1 ? one : many, [count, ...args])
};

function filled(text: string, args: readonly unknown[]): string {
  return text.replace(/%(\d)/g, (_, number: string) =>
    String(args[Number(number) - 1])
  );
}

/** Make an element as light or dark as the page, and keep it so. */
export function dressPlain(root: HTMLElement, signal: AbortSignal): void {
  const look = () => {
    // JupyterLab, also without our extension, has the colours.
    const hasTheme = 'jpThemeName' in document.body.dataset;
    root.classList.toggle('rtcw-mod-bare', !hasTheme);
    if (!hasTheme) {
      root.dataset['jpThemeLight'] = String(!isDark(root));
    }
  };
  look();
  // In the page it has a background.
  requestAnimationFrame(look);
  const media = window.matchMedia('(prefers-color-scheme: dark)');
  media.addEventListener('change', look, { signal });
  const observer = new MutationObserver(look);
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true });
  }
  signal.addEventListener('abort', () => observer.disconnect());
}

function isDark(root: HTMLElement): boolean {
  const { classList } = document.body;
  if (classList.contains('vscode-dark')) {
    return true;
  }
  for (let at = root.parentElement; at; at = at.parentElement) {
    const found = /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?\)$/.exec(
      getComputedStyle(at).backgroundColor
    );
    if (found && found[4] !== '0') {
      const [red = 0, green = 0, blue = 0] = found.slice(1, 4).map(Number);
      return 0.3 * red + 0.59 * green + 0.11 * blue < 128;
    }
  }
  // Without a background of its own a page is white, unless it says that it goes along with the person's wish.
  const { colorScheme } = getComputedStyle(document.documentElement);
  const mayBeDark = colorScheme.includes('dark');
  const wantsDark = window.matchMedia('(prefers-color-scheme: dark)').matches;
  return mayBeDark && (wantsDark || !colorScheme.includes('light'));
}
