/** Says in words who a participant is and where. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParticipant, IPlace } from './people';

/** Return the name that is shown. */
export function nameOf(who: IParticipant, trans: TranslationBundle): string {
  return who.isMe ? trans.__('You, in another tab') : who.name;
}

/** Where a cell is: its number, or the line where it begins in the notebook's text. */
export interface IWhere {
  readonly unit: 'cell' | 'line';
  readonly number: number;
}

/** Return what a participant does at a place, and where that is unless it is shown there. */
export function doing(
  { kind, text }: IPlace,
  where: IWhere | null,
  trans: TranslationBundle
): string {
  const at =
    where &&
    (where.unit === 'cell'
      ? trans.__('cell %1', where.number)
      : trans.__('line %1', where.number));
  if (kind === 'running') {
    return at ? trans.__('runs %1', at) : trans.__('runs');
  }
  if (kind === 'here') {
    return at ? trans.__('in %1', at) : trans.__('is here');
  }
  const points = at ? trans.__('points to %1', at) : trans.__('points here');
  return text ? `${points}: ${text}` : points;
}

/** Return a participant's name, then what is told of it. */
export function aboutOf(
  who: IParticipant,
  whereIs: (cell: string) => IWhere | null,
  trans: TranslationBundle
): string[] {
  const places = who.places.flatMap(place => {
    const where = whereIs(place.cell);
    return where ? [doing(place, where, trans)] : [];
  });
  return [nameOf(who, trans), ...places, who.status].filter(Boolean);
}
