/** Draws a participant: a person's picture or initials, or a kernel's icon, in their colour. */

import { draw } from '../comments/drawn';
import type { IIdentity } from './identity';

/** Return a new element, as large as a line of text; its colour is that of the `rtcw-Person` around it. */
export function faceOf({
  isKernel,
  initials,
  picture
}: IIdentity): HTMLElement {
  const face = document.createElement('span');
  face.className = 'rtcw-Face';
  face.setAttribute('aria-hidden', 'true');
  if (isKernel) {
    face.append(draw('kernel', '1.3em'));
    face.classList.add('rtcw-mod-kernel');
  } else {
    face.textContent = initials;
    if (picture) {
      const image = new Image();
      image.alt = '';
      // Whoever has the picture need not learn where it is looked at.
      image.referrerPolicy = 'no-referrer';
      image.onload = () => face.replaceChildren(image);
      image.src = picture;
    }
  }
  return face;
}
