/** What anchors are made at, what they are as JSON, and what is told of them (docs/schema.md, "Anchors"). */

import type { IRemembered } from './anchor_outputs';
import type { IWanted, IWantedRange } from './anchor_search';

/** What an anchor can be made at. All count from 0; in a text file there is no `cell`. */
export type Target =
  | { readonly kind: 'document' }
  | { readonly kind: 'cell'; readonly cell: string }
  | {
      readonly kind: 'range';
      readonly cell?: string;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: 'line'; readonly cell?: string; readonly line: number }
  | {
      readonly kind: 'output';
      readonly cell: string;
      readonly output: number;
      /** Of its text or traceback. */
      readonly line?: number;
    };

export interface IDocumentAnchor {
  readonly kind: 'document';
}

export interface ICellAnchor extends IWanted {
  readonly kind: 'cell';
  readonly cell: string;
}

export interface IRangeAnchor extends IWantedRange {
  readonly kind: 'range' | 'line';
}

export interface IOutputAnchor extends IWanted {
  readonly kind: 'output';
  readonly cell: string;
  readonly output: IRemembered;
}

/** An anchor, as the JSON that it is. */
export type Anchor =
  IDocumentAnchor | ICellAnchor | IRangeAnchor | IOutputAnchor;

/** Where an anchor is now. */
export interface IResolution {
  /**
   * `exact`: where and what it was. `moved`: to the letter, in another place. `changed`: the text, or the output of the
   * same run, is another. `cell`: the text is gone, its cell is there. `orphan`: all is gone, or not there at the moment.
   * Of outputs `current`, or `earlier`: it was about an earlier run.
   */
  readonly state:
    'exact' | 'moved' | 'changed' | 'cell' | 'orphan' | 'current' | 'earlier';
  /** Null for a document, the text of a file, and orphans. */
  readonly cell: string | null;
  readonly start: number | null;
  readonly end: number | null;
  /** What is there; where nothing is there any more, what was. */
  readonly quote: string | null;
  /** 0 to 1; below 1, how alike the text, or its surroundings, are. */
  readonly confidence: number;
  /** Which output, null where that is gone. */
  readonly output: number | null;
  /** Which line of it. */
  readonly line: number | null;
  /** The execution count of the run that it is about. */
  readonly run: number | null;
  /** The anchor to keep in place of the old one, null where that is as good. */
  readonly healed: Anchor | null;
}
