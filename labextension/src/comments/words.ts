/** Says in words when something was written, and what a thread is about. */

import { Time } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IResolution } from '../documents/anchors';

/** Return how long ago something was, both in seconds since the epoch. */
export function ago(at: number, now: number, trans: TranslationBundle): string {
  // Clocks differ: what the server says of the next minute is now.
  return now - at < 60
    ? trans.__('just now')
    : Time.formatHuman(new Date(at * 1000));
}

/** Return the date and the time, as this person's browser writes them. */
export function moment(at: number): string {
  return new Date(at * 1000).toLocaleString(undefined, {
    dateStyle: 'full',
    timeStyle: 'short'
  });
}

/** Return what a thread is about, in a few words. */
export function about(
  place: IResolution | null,
  cell: number | null,
  trans: TranslationBundle
): string {
  if (!place || place.state === 'orphan') {
    return trans.__('Deleted');
  }
  if (place.run !== null || place.output !== null) {
    const where =
      cell === null ? trans.__('Output') : trans.__('Output of cell %1', cell);
    return place.state === 'earlier'
      ? trans.__('%1, of an earlier run', where)
      : where;
  }
  return cell === null
    ? place.start === null
      ? trans.__('The whole document')
      : ''
    : trans.__('Cell %1', cell);
}
