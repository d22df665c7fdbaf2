/** What was changed in a document and in its file at once, as the relay tells it (docs/protocol.md, section 3.5). */

import { isRecord } from '../presence/identity';

/** One conflict. */
export interface IConflict {
  /** A cell's id, `source` of a text file, or another name of a value. */
  readonly name: string;
  /** What stood here, null where it was deleted here; undefined where the texts do not differ. */
  readonly here?: string | null;
  /** What the file had. */
  readonly there?: string | null;
}

/** Read the conflicts of a notice; what is malformed is passed over. */
export function conflictsOf(value: unknown): readonly IConflict[] {
  return (Array.isArray(value) ? (value as unknown[]) : []).filter(isConflict);
}

function isConflict(value: unknown): value is IConflict {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    [value['here'], value['there']].every(
      text => text === undefined || text === null || typeof text === 'string'
    )
  );
}

/** How a conflict is shown. */
export type Kind = 'texts' | 'deleted-here' | 'deleted-there' | 'values';

export function kindOf({ here, there }: IConflict): Kind {
  if (here === null) {
    return 'deleted-here';
  }
  if (there === null) {
    return 'deleted-there';
  }
  return here === undefined || here === there ? 'values' : 'texts';
}
