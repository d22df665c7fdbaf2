/** Small pieces of what comments are drawn with. */

import { draw, type Icon } from './drawn';

/** Return an element with a class and a text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string,
  text = ''
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = name;
  if (text) {
    made.textContent = text;
  }
  return made;
}

/** Return a button with words. */
export function button(
  id: string,
  text: string,
  act: (event: MouseEvent) => void,
  isFirst = false
): HTMLButtonElement {
  const made = element(
    'button',
    `rtcw-Button${isFirst ? ' rtcw-mod-first' : ''}`,
    text
  );
  made.type = 'button';
  made.dataset['id'] = id;
  made.addEventListener('click', act);
  return made;
}

/** Return a button with an icon; its words are read aloud, and shown under the mouse. */
export function iconButton(
  id: string,
  icon: Icon,
  label: string,
  act: (event: MouseEvent) => void
): HTMLButtonElement {
  const made = element('button', 'rtcw-IconButton');
  made.type = 'button';
  made.dataset['id'] = id;
  made.title = label;
  made.setAttribute('aria-label', label);
  made.append(draw(icon));
  made.addEventListener('click', act);
  return made;
}

/** Put elements into another one in this order, and never move the one that has the focus: it would be lost. */
export function arrange(
  into: HTMLElement,
  wanted: readonly HTMLElement[]
): void {
  const stay = new Set<Element>(wanted);
  for (const child of [...into.children]) {
    if (!stay.has(child)) {
      child.remove();
    }
  }
  const focused = document.activeElement;
  const at = Math.max(
    0,
    wanted.findIndex(one => one.parentNode === into && one.contains(focused))
  );
  let near = wanted[at];
  if (near && near.parentNode !== into) {
    into.prepend(near);
  }
  for (const one of wanted.slice(0, at).reverse()) {
    if (near!.previousElementSibling !== one) {
      near!.before(one);
    }
    near = one;
  }
  near = wanted[at];
  for (const one of wanted.slice(at + 1)) {
    if (near!.nextElementSibling !== one) {
      near!.after(one);
    }
    near = one;
  }
}
