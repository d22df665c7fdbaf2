/** Icons of comments for JupyterLab's own places: tabs, menus and commands. */

import { LabIcon } from '@jupyterlab/ui-components';
import { svgOf } from './drawn';

/** Comments. */
export const commentIcon = new LabIcon({
  name: 'rtc-widgets:comment',
  svgstr: svgOf('comment')
});

/** A new comment. */
export const addCommentIcon = new LabIcon({
  name: 'rtc-widgets:add-comment',
  svgstr: svgOf('addComment')
});
