/** Draws a participant: a person's initials, or a kernel's icon, in their colour. */

import { kernelIcon } from '@jupyterlab/ui-components';
import type { IIdentity } from './identity';

/** Return a new element, as large as a line of text; its colour is that of the `rtcw-Person` around it. */
export function faceOf({ isKernel, initials }: IIdentity): HTMLElement {
  const face = document.createElement('span');
  face.className = 'rtcw-Face';
  face.setAttribute('aria-hidden', 'true');
  if (isKernel) {
    kernelIcon.element({ container: face, height: '1.3em', width: '1.3em' });
    face.classList.add('rtcw-mod-kernel');
  } else {
    face.textContent = initials;
  }
  return face;
}
