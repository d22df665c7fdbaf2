/** Says in words how a document stands, and what can be done about it. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { IFacts, IStanding, IWhyNot, Kind } from './standing';

/** What a person can do about a state; the plugin knows how. */
export type Cure =
  | 'reconnect'
  | 'sign-in'
  | 'save'
  | 'copy-text'
  | 'open-again'
  | 'reload'
  | 'download'
  | 'settings';

/** How good or bad it is: says the colour. */
export type Level = 'good' | 'busy' | 'warning' | 'error' | 'none';

/** What is shown of a document. */
export interface ISaid {
  readonly kind: Kind | 'not-shared';
  readonly level: Level;
  /** One or two words. */
  readonly title: string;
  /** What takes longer than it should, in a few words; mostly empty. */
  readonly delay: string;
  /** What is going on, in sentences. */
  readonly sentences: readonly string[];
  readonly cures: readonly Cure[];
}

/** The codes after which a page that is loaded anew may do better. */
const RELOADED = [
  'bad-frame',
  'unauthorized',
  'version-mismatch',
  'too-many',
  'internal-error'
];

const LEVELS: Readonly<Record<Kind, Level>> = {
  live: 'good',
  connecting: 'busy',
  reconnecting: 'busy',
  offline: 'warning',
  'signed-out': 'error',
  'no-access': 'error',
  'read-only': 'none',
  closed: 'error'
};

/** Return what is said of a shared document. */
export function say(
  facts: IFacts,
  standing: IStanding,
  trans: TranslationBundle
): ISaid {
  const { kind, unsent, unsaved, problem } = standing;
  const isLate =
    problem !== null ||
    (kind === 'live' && (unsent !== null || unsaved !== null));
  return {
    kind,
    level: isLate ? 'warning' : LEVELS[kind],
    title: titleOf(kind, facts, trans),
    delay: delayOf(standing, trans),
    sentences: sentencesOf(facts, standing, trans),
    cures: curesOf(facts, standing)
  };
}

/** Return what is said of a document that is not shared. */
export function sayNot(why: IWhyNot, trans: TranslationBundle): ISaid {
  const title = trans.__('Not shared');
  const { code, detail } = why;
  const said = {
    kind: 'not-shared',
    level: 'none',
    title,
    delay: '',
    cures: []
  } as const;
  switch (code) {
    case 'off':
      return {
        ...said,
        sentences: [
          trans.__(
            'Documents are not shared, as your settings say. After a change there, reload the page.'
          )
        ],
        cures: ['settings', 'reload']
      };
    case 'other':
      return {
        ...said,
        sentences: [
          trans.__(
            '%1 shares the documents here, so rtc_widgets stays aside. To switch, uninstall it and restart the server.',
            detail || trans.__('Another extension')
          )
        ]
      };
    case 'absent':
      return {
        ...said,
        sentences: [
          trans.__(
            'The server did not answer as one with rtc_widgets. Install rtc_widgets there, restart it, and reload the page.'
          )
        ],
        cures: ['reload']
      };
    default:
      return { ...said, sentences: [`${trans.__(detail)} [${code}]`] };
  }
}

/** Return a duration in a few letters. */
export function lasting(seconds: number, trans: TranslationBundle): string {
  if (seconds < 60) {
    return trans.__('%1 s', Math.floor(seconds));
  }
  return seconds < 3600
    ? trans.__('%1 min', Math.floor(seconds / 60))
    : trans.__('%1 h', Math.floor(seconds / 3600));
}

/** Return how many people are here. */
export function peopleOf(count: number, trans: TranslationBundle): string {
  return trans._n('%1 person here', '%1 people here', count);
}

/** Return whether the kernel takes part; empty where none could. */
export function kernelOf(
  kernel: boolean | null,
  trans: TranslationBundle
): string {
  if (kernel === null) {
    return '';
  }
  return kernel ? trans.__('kernel linked') : trans.__('kernel not linked');
}

function titleOf(
  kind: Kind,
  { closed }: IFacts,
  trans: TranslationBundle
): string {
  switch (kind) {
    case 'live':
      return trans.__('Live');
    case 'connecting':
      return trans.__('Connecting…');
    case 'reconnecting':
      return trans.__('Reconnecting…');
    case 'offline':
      return trans.__('Offline');
    case 'signed-out':
      return trans.__('Signed out');
    case 'no-access':
      return trans.__('No access');
    case 'read-only':
      return trans.__('Read-only');
    case 'closed':
      return closed ? trans.__('Closed [%1]', closed.code) : trans.__('Closed');
  }
}

function delayOf(
  { unsent, unsaved, problem }: IStanding,
  trans: TranslationBundle
): string {
  if (problem) {
    return trans.__('not a notebook: line %1', problem.line);
  }
  if (unsent) {
    const { count, seconds } = unsent;
    if (seconds < 5) {
      return trans._n(
        '%1 change not at the server',
        '%1 changes not at the server',
        count
      );
    }
    return trans._n(
      '%1 change not at the server for %2',
      '%1 changes not at the server for %2',
      count,
      lasting(seconds, trans)
    );
  }
  if (unsaved === null) {
    return '';
  }
  return unsaved < 5
    ? trans.__('unsaved')
    : trans.__('unsaved for %1', lasting(unsaved, trans));
}

function sentencesOf(
  facts: IFacts,
  standing: IStanding,
  trans: TranslationBundle
): string[] {
  const { kind, unsent, unsaved, problem } = standing;
  if (problem) {
    const { line, column, message } = problem;
    return [
      trans.__(
        'This text is not a notebook at the moment, so the notebook stays as it was.'
      ),
      trans.__('Line %1, column %2: %3', line, column, trans.__(message)),
      ...(kind === 'read-only'
        ? sentencesOf(facts, { ...standing, problem: null }, trans)
        : [])
    ];
  }
  const { closed, notice, isOnline } = facts;
  const noticed = notice
    ? [`${trans.__(notice.message)} [${notice.code}]`]
    : [];
  switch (kind) {
    case 'live':
      if (unsent) {
        return [
          trans.__(
            'The server has not confirmed your latest changes. They are kept here.'
          ),
          ...noticed
        ];
      }
      if (unsaved !== null) {
        return [
          trans.__(
            'The server has every change, but the file could not be written yet.'
          ),
          ...noticed
        ];
      }
      return noticed.length
        ? noticed
        : [
            trans.__(
              'Everybody sees changes at once, and the server saves them.'
            )
          ];
    case 'connecting':
      return [trans.__('The document is on its way here.')];
    case 'reconnecting':
      return [
        trans.__(
          'The connection to the server was lost and is being made anew. Go on: your changes are kept and sent when it is back.'
        )
      ];
    case 'offline':
      return [
        isOnline
          ? trans.__(
              'The server cannot be reached; it is tried again and again.'
            )
          : trans.__('This computer has no network.'),
        trans.__(
          'You may go on: your changes are kept and sent when the connection is back.'
        )
      ];
    case 'signed-out':
      return [
        trans.__(
          'Your sign-in has expired. Sign in again in another window: this page then goes on by itself. Your changes are kept here.'
        )
      ];
    case 'no-access':
      return [
        trans.__(
          'You may not open this document any more, so it is as you saw it last. Ask its owner for access: this page then goes on by itself.'
        ),
        ...(standing.unsent
          ? [
              trans.__(
                'What you typed and the server did not get is kept here, and sent then.'
              )
            ]
          : [])
      ];
    case 'read-only':
      return [
        trans.__(
          'You see every change but can make none: you may read this document but not write it. Ask its owner, or keep a copy.'
        )
      ];
    case 'closed':
      return [trans.__(closed?.reason ?? '')];
  }
}

function curesOf(
  { closed, hasText }: IFacts,
  { kind, unsent, unsaved, problem }: IStanding
): Cure[] {
  if (problem && kind === 'live') {
    return [];
  }
  switch (kind) {
    case 'live':
      if (unsent) {
        return hasText ? ['reconnect', 'copy-text'] : ['reconnect'];
      }
      return unsaved === null ? [] : ['save'];
    case 'connecting':
      return ['reconnect'];
    case 'reconnecting':
    case 'offline':
    case 'no-access':
      return hasText ? ['reconnect', 'copy-text'] : ['reconnect'];
    case 'signed-out':
      return hasText
        ? ['sign-in', 'reconnect', 'copy-text']
        : ['sign-in', 'reconnect'];
    case 'read-only':
      return ['download'];
    case 'closed': {
      const reload = RELOADED.includes(closed?.code ?? '');
      const again: Cure = reload ? 'reload' : 'open-again';
      return hasText ? [again, 'copy-text'] : [again];
    }
  }
}
