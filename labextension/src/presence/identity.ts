/** Who a participant is, as its awareness state says (docs/protocol.md, section 3.3); nothing in it is trusted. */

/** What is shown of a participant. */
export interface IIdentity {
  readonly username: string;
  /** The name that is shown. */
  readonly name: string;
  /** One or two letters. */
  readonly initials: string;
  /** As CSS has it. */
  readonly color: string;
  /** The address of a picture, empty for none. */
  readonly picture: string;
  readonly isKernel: boolean;
}

/** How many colours JupyterLab's themes have for collaborators. */
export const COLORS = 7;
/** Characters of a name that are shown; the relay lets through far more. */
const LONGEST = 100;

/** Return who a client is. */
export function identify(
  client: number,
  state: Readonly<Record<string, unknown>>
): IIdentity {
  const user = isRecord(state['user']) ? state['user'] : {};
  const named = text(user['name']);
  const called = text(user['username']);
  const name = text(user['display_name']) || named || called || 'Anonymous';
  const letters = text(user['initials']);
  const username = called || named || `anonymous-${client}`;
  return {
    username,
    name: name.slice(0, LONGEST),
    // JupyterLab takes one letter where the server knows none, and one is not enough to tell people apart.
    initials: letters.length > 1 ? letters.slice(0, 3) : initials(name),
    color: text(user['color']) || themes(numberOf(username)),
    picture: picture(text(user['avatar_url'])),
    isKernel: state['kind'] === 'kernel'
  };
}

/** Return the first letters of a name's first and last word. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const ends = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return ends.map(word => [...word][0]!.toUpperCase()).join('');
}

/** Return an address from which a page of this server may load a picture, empty for any other. */
function picture(address: string): string {
  return /^(https:\/\/|data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]|\/(?!\/))/i.test(
    address
  )
    ? address
    : '';
}

/** Tell whether a value is an object with keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Let an element and what is in it be of a participant's colour. */
export function paint(element: HTMLElement, color: string): void {
  const safe = CSS.supports('color', color) ? color : themes(numberOf(color));
  element.style.setProperty('--rtcw-color', safe);
}

/** Return the number of one of the theme's colours, always the same one for a name. */
export function numberOf(name: string): number {
  let hash = 0;
  for (const letter of name) {
    hash = (hash * 31 + letter.codePointAt(0)!) % 0x7fffffff;
  }
  return 1 + (hash % COLORS);
}

/** Return one of the theme's colours, as CSS has it. */
export function themes(number: number): string {
  return `var(--jp-collaborator-color${number})`;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}
