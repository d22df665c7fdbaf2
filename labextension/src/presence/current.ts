/** Who else has the document open that is in front now. */

import type { IDocumentWidget } from '@jupyterlab/docregistry';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Awareness } from 'y-protocols/awareness';
import type { IParticipant } from './people';
import { Roster } from './roster';

/** Follow one document after the other. */
export class CurrentPeople {
  /** The document, null where what is in front is not shared. */
  get widget(): IDocumentWidget | null {
    return this._widget;
  }

  get awareness(): Awareness | null {
    return this._awareness;
  }

  get participants(): readonly IParticipant[] {
    return this._roster?.participants ?? [];
  }

  /** Another document is in front, or there is news of the others in it. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  find(key: unknown): IParticipant | undefined {
    return this.participants.find(who => who.key === key);
  }

  /** Go over to a document. */
  follow(widget: IDocumentWidget | null, awareness: Awareness | null): void {
    if (widget === this._widget) {
      return;
    }
    this._roster?.changed.disconnect(this._tell);
    this._widget = widget;
    this._awareness = awareness;
    this._roster = awareness && Roster.of(awareness);
    this._roster?.changed.connect(this._tell);
    this._changed.emit();
  }

  private readonly _tell = (): void => this._changed.emit();
  private readonly _changed = new Signal<this, void>(this);
  private _widget: IDocumentWidget | null = null;
  private _awareness: Awareness | null = null;
  private _roster: Roster | null = null;
}
