/** Icons of comments, in JupyterLab's style. */

import { LabIcon } from '@jupyterlab/ui-components';

const draw = (path: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161"><path d="${path}"/></g></svg>`;

const BUBBLE =
  'M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H9l-4.2 3.7A.5.5 0 0 1 4 21.3V18a2 2 0 0 1-2-2V5c0-1.1.9-2 2-2z';

/** Comments. */
export const commentIcon = new LabIcon({
  name: 'rtc-widgets:comment',
  svgstr: draw(
    `${BUBBLE}M4 5v11h2v2.9L9.300 16H20V5zM7 8h10v1.800H7zm0 3.600h7v1.800H7z`
  )
});

/** A new comment. */
export const addCommentIcon = new LabIcon({
  name: 'rtc-widgets:add-comment',
  svgstr: draw(
    `${BUBBLE}M4 5v11h2v2.900L9.300 16H20V5zM11.100 7h1.800v2.600h2.600v1.800h-2.600V14h-1.800v-2.600H8.500V9.600h2.600z`
  )
});

/** Reopen. */
export const reopenIcon = new LabIcon({
  name: 'rtc-widgets:reopen',
  svgstr: draw(
    'M12 5V1.500L7 6.300l5 4.700V7a5.500 5.500 0 1 1-5.500 5.500h-2A7.500 7.500 0 1 0 12 5z'
  )
});
