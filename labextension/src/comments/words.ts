/** Says in words when something was written, and what a thread is about. */

import type { IResolution } from '../documents/anchors';
import type { Words } from './shared';

/** Return how long ago something was, both in seconds since the epoch. */
export function ago(at: number, now: number, trans: Words): string {
  // Clocks differ: what the server says of the next minute is now.
  const seconds = now - at;
  if (seconds < 60) {
    return trans.__('just now');
  }
  const format = new Intl.RelativeTimeFormat(
    document.documentElement.lang || 'en',
    { numeric: 'auto' }
  );
  const [unit, length] = UNITS.find(([, length]) => seconds >= length)!;
  return format.format(-Math.floor(seconds / length), unit);
}

/** Units, and how many seconds they have. */
const UNITS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60]
] as const;

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
  trans: Words
): string {
  if (!place || place.state === 'orphan') {
    return trans.__('Deleted');
  }
  if (place.run !== null || place.output !== null) {
    const where =
      cell === null ? trans.__('Output') : trans.__('Output of cell %1', cell);
    return place.state !== 'earlier'
      ? where
      : place.run === null
        ? trans.__('%1, about an earlier run', where)
        : trans.__('%1, about an earlier run (In [%2])', where, place.run);
  }
  return cell === null
    ? place.start === null
      ? trans.__('The whole document')
      : ''
    : trans.__('Cell %1', cell);
}
