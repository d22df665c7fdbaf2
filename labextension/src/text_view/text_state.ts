/** Whether the text of a notebook says what a notebook can, as the relay tells (docs/protocol.md, section 3.5). */

import { type ISignal, Signal } from '@lumino/signaling';
import type { ILiveDocument } from '../tokens';

/** Why a text is not in its notebook. */
export interface IProblem {
  /** Where, from 1; columns count code points. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Tell whether a document is a notebook that is open as text. */
export function isTextOfNotebook({ path, type }: ILiveDocument): boolean {
  return type === 'file' && /\.ipynb$/i.test(path);
}

/** Return what an event's params say; null for a text that is in its notebook. */
export function problemOf(params: Record<string, unknown>): IProblem | null {
  const { valid, line, column, message } = params;
  if (valid !== false) {
    return null;
  }
  return {
    line: isPlace(line) ? line : 1,
    column: isPlace(column) ? column : 1,
    message: typeof message === 'string' ? message : ''
  };
}

/** Return the offset in `text`, a line, of the column that counts code points from 1. */
export function offsetOf(text: string, column: number): number {
  return [...text].slice(0, column - 1).join('').length;
}

/** Follow one document. */
export class TextState {
  constructor({ provider }: ILiveDocument) {
    provider.eventReceived.connect((_, { name, params }) => {
      if (name === 'projection') {
        this._problem = problemOf(params);
        this._changed.emit();
      }
    });
  }

  get problem(): IProblem | null {
    return this._problem;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  private _problem: IProblem | null = null;
  private readonly _changed = new Signal<this, void>(this);
}

function isPlace(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
