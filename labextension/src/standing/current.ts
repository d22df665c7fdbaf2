/** How the document in front stands now, and again when that changes, by itself or by the time. */

import type { IDocumentWidget } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { type ISignal, Signal } from '@lumino/signaling';
import { type IWhyNot, stand } from './standing';
import type { Watch } from './watch';
import { type ISaid, say, sayNot } from './words';

/** The document in front; exactly one of `watch` and `whyNot` is there. */
export interface ISubject {
  readonly widget: IDocumentWidget;
  readonly watch: Watch | null;
  readonly whyNot: IWhyNot | null;
  /** Tell whether a kernel could take part: not in text files, nor where none runs. */
  readonly couldHaveKernel: () => boolean;
}

/** What is shown of it. */
export interface IShown extends ISaid {
  readonly path: string;
  /** People who have it open; 0 where it is not shared. */
  readonly people: number;
  /** Whether the kernel takes part, null where none could. */
  readonly kernel: boolean | null;
  readonly mayWrite: boolean;
}

/** Follow one document after the other. */
export class CurrentStanding {
  constructor(private readonly _trans: TranslationBundle) {
    const look = () => this.look();
    window.addEventListener('online', look);
    window.addEventListener('offline', look);
  }

  get subject(): ISubject | null {
    return this._subject;
  }

  /** What to show; null where no document is in front. */
  get shown(): IShown | null {
    return this._shown;
  }

  /** What is shown is another now. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Go over to a document, or to none. */
  follow(subject: ISubject | null): void {
    this._subject?.watch?.changed.disconnect(this.look, this);
    this._subject = subject;
    subject?.watch?.changed.connect(this.look, this);
    this.look();
  }

  /** Look again, because a fact may have changed. */
  look(): void {
    clearTimeout(this._timer);
    const [shown, until] = this._look();
    const now = Date.now();
    if (until < Infinity) {
      const wait = Math.max(0, until - now) + 20;
      this._timer = setTimeout(() => this.look(), wait);
    }
    if (JSON.stringify(shown) !== JSON.stringify(this._shown)) {
      this._shown = shown;
      this._changed.emit();
    }
  }

  private _look(): [IShown | null, number] {
    if (!this._subject) {
      return [null, Infinity];
    }
    const { widget, watch, whyNot, couldHaveKernel } = this._subject;
    const { path } = widget.context;
    if (!watch) {
      if (!whyNot) {
        return [null, Infinity];
      }
      const said = sayNot(whyNot, this._trans);
      const nobody = { people: 0, kernel: null, mayWrite: true };
      return [{ ...said, ...nobody, path }, Infinity];
    }
    const facts = watch.facts(couldHaveKernel());
    const standing = stand(facts, Date.now());
    const said = say(facts, standing, this._trans);
    const { people, kernel } = facts;
    const { mayWrite } = watch.live.provider;
    return [{ ...said, people, kernel, mayWrite, path }, standing.until];
  }

  private readonly _changed = new Signal<this, void>(this);
  private _subject: ISubject | null = null;
  private _shown: IShown | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
