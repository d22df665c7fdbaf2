/** Why a document was closed: named codes, each with a sentence for a person (section 5). */

/** Each code's WebSocket close code, and what to tell a person: what happened, and what to do about it. */
export const CODES = {
  normal: [1000, 'The document was closed.'],
  'going-away': [
    1001,
    'The server is restarting; the document reconnects by itself.'
  ],
  'bad-frame': [
    4400,
    "A message could not be read. Reload the page; if it happens again, report it with the server's log."
  ],
  unauthorized: [
    4401,
    'Your sign-in is missing or has expired. Sign in again and reload the page.'
  ],
  'no-access': [
    4407,
    'You may not open this document, or not any more. Ask its owner for access; a document that is open here goes on by itself then.'
  ],
  'read-only': [
    4403,
    'You may read this document but not change it. Ask its owner for the right to edit, or save a copy of your own.'
  ],
  'not-found': [
    4404,
    'The file does not exist any more. Save a copy under a new name to keep its content.'
  ],
  conflict: [
    4409,
    'The file is open as another kind of document. Close it there first, then open it again.'
  ],
  'other-provider': [
    4410,
    'Another collaboration extension owns the documents of this server. Uninstall one of the two (for example: pip uninstall jupyter-collaboration) and restart the server.'
  ],
  'lineage-mismatch': [
    4412,
    'The server started this document anew while you were away. It is opened again and your changes are kept.'
  ],
  'too-large': [
    4413,
    "The document or a change to it is larger than the server allows. Clear large outputs, or raise the limit in the server's configuration."
  ],
  'unknown-type': [
    4415,
    'No document type of that name is installed on the server. Install the package that provides it.'
  ],
  unreadable: [
    4422,
    'The file is empty or damaged and was left untouched. Repair it or restore it from a copy, then open it again.'
  ],
  'version-mismatch': [
    4426,
    'The two sides speak different versions of the protocol. Upgrade rtc_widgets on the older side.'
  ],
  'too-many': [
    4429,
    'Too many documents or messages at once. Close some documents and reload the page.'
  ],
  'too-slow': [
    4408,
    'Your connection could not keep up with what others write here. It connects again by itself, and nothing is lost.'
  ],
  'not-collaborative': [
    4460,
    "The notebook is open in a tab that does not collaborate, so its content cannot be reached from here. Save it, enable rtc_widgets in JupyterLab's settings and reload the page."
  ],
  'no-document': [
    4461,
    'This kernel belongs to no notebook on this server. Open the notebook in JupyterLab and run the cell there.'
  ],
  gone: [4462, 'The other side of the connection is gone.'],
  'internal-error': [
    4500,
    "Something went wrong on the server; what was acknowledged is safe. Reload the page and see the server's log."
  ]
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

/** Name a reason to close a document. */
export type CloseCode = keyof typeof CODES;

/** Tell whether `value` names a close code of this release. */
export function isCloseCode(value: unknown): value is CloseCode {
  return typeof value === 'string' && Object.hasOwn(CODES, value);
}

/** Return the code that `value` names; one that a later version may define counts as a bug of the server. */
export function closeCode(value: unknown): CloseCode {
  return isCloseCode(value) ? value : 'internal-error';
}

/** Return the code that closes a WebSocket for this reason. */
export function websocket(code: CloseCode): number {
  return CODES[code][0];
}

/** Return what to tell a person. */
export function sentence(code: CloseCode): string {
  return CODES[code][1];
}

/** Tell whether to connect again by itself after this close. */
export function isTransient(code: CloseCode): boolean {
  return code === 'going-away' || code === 'gone' || code === 'too-slow';
}
