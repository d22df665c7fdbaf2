/** Marks ranges of a page in the colours of people, by the CSS Custom Highlight API. */

import { themes } from '../presence/identity';

/** A colour and whether this person looks at what is marked. */
export interface IInk {
  readonly color: string;
  readonly isActive: boolean;
}

/** Mark a range, and return how to take that back. */
export function draw(range: Range, { color, isActive }: IInk): () => void {
  const pen = penOf(safe(color), isActive);
  pen.add(range);
  return () => pen.delete(range);
}

/** Return a colour that CSS knows. */
export function safe(color: string): string {
  let known = colors.get(color);
  if (known === undefined) {
    known = CSS.supports('color', color) ? color : themes(1);
    colors.set(color, known);
  }
  return known;
}

const colors = new Map<string, string>();

function penOf(color: string, isActive: boolean): Highlight {
  const key = `${color} ${isActive}`;
  let pen = pens.get(key);
  if (!pen) {
    pen = new Highlight();
    pen.priority = isActive ? 1 : 0;
    pens.set(key, pen);
    const name = `rtcw-comment-${pens.size}`;
    CSS.highlights.set(name, pen);
    const sheet = new CSSStyleSheet();
    const rule = (theme: string, line: string) =>
      `[data-rtcw-comments='on']${theme} ::highlight(${name}) {
        background-color: color-mix(in srgb, ${line} ${isActive ? 38 : 18}%, transparent);
        text-decoration: underline 2px ${line};
      }`;
    // Lightness as in colors.css, for both themes.
    sheet.replaceSync(
      rule('', `oklch(from ${color} 0.56 c h)`) +
        rule("[data-jp-theme-light='false']", `oklch(from ${color} 0.76 c h)`)
    );
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }
  return pen;
}

const pens = new Map<string, Highlight>();
