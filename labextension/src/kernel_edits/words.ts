/** Says in words what the kernel did. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISummary } from '../documents/step';

/** Return a sentence. */
export function sentenceOf(
  { added, removed, moved, edited, metadata }: ISummary,
  trans: TranslationBundle
): string {
  if (edited.includes('')) {
    return trans.__('The kernel changed this file');
  }
  const all = added.length + removed.length + moved.length + edited.length;
  if (metadata) {
    return all
      ? trans._n(
          "The kernel changed %1 cell and the notebook's metadata",
          "The kernel changed %1 cells and the notebook's metadata",
          all
        )
      : trans.__("The kernel changed the notebook's metadata");
  }
  switch (all) {
    case added.length:
      return trans._n(
        'The kernel added %1 cell',
        'The kernel added %1 cells',
        all
      );
    case removed.length:
      return trans._n(
        'The kernel deleted %1 cell',
        'The kernel deleted %1 cells',
        all
      );
    case moved.length:
      return trans._n(
        'The kernel moved %1 cell',
        'The kernel moved %1 cells',
        all
      );
    default:
      return trans._n(
        'The kernel changed %1 cell',
        'The kernel changed %1 cells',
        all
      );
  }
}
