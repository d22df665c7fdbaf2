/** Says in words who a participant is and where. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParticipant, IPlace } from './people';

/** Return the name that is shown. */
export function nameOf(who: IParticipant, trans: TranslationBundle): string {
  return who.isMe ? trans.__('You, in another tab') : who.name;
}

/** Return what a participant does at a place; `cell` is its number as JupyterLab's status bar counts, or nothing. */
export function doing(
  { kind, text }: IPlace,
  cell: number | null,
  trans: TranslationBundle
): string {
  const numbered = cell !== null;
  if (kind === 'running') {
    return numbered ? trans.__('runs cell %1', cell) : trans.__('runs');
  }
  if (kind === 'here') {
    return numbered ? trans.__('in cell %1', cell) : trans.__('is here');
  }
  const points = numbered
    ? trans.__('points to cell %1', cell)
    : trans.__('points here');
  return text ? `${points}: ${text}` : points;
}

/** Return a participant's name, then what is told of it. */
export function aboutOf(
  who: IParticipant,
  numberOf: (cell: string) => number | null,
  trans: TranslationBundle
): string[] {
  const places = who.places.flatMap(place => {
    const number = numberOf(place.cell);
    return number === null ? [] : [doing(place, number, trans)];
  });
  return [nameOf(who, trans), ...places, who.status].filter(Boolean);
}
