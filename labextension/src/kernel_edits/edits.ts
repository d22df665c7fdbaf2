/** What the kernel did to a document lately, told from what people did, and taken back or done again in one step. */

import type { YDocument, DocumentChange } from '@jupyter/ydoc';
import { type ISignal, Signal } from '@lumino/signaling';
import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import { idsOf, type IRecorded, Step } from '../documents/step';
import type { Provider } from '../provider';
import type { ILiveDocument } from '../tokens';

type Events = readonly Y.YEvent<never>[];

/** Milliseconds without an edit after which the next one is another matter. */
export const PAUSE = 5_000;

/** Milliseconds in which somebody says who it is. */
const EARLY = 2_000;

/** What was done by somebody who may be a kernel. */
interface IEarly {
  readonly client: number;
  readonly step: Step;
  readonly until: number;
}

/** Everything that this tab does in one transaction of its own. */
const OWN: IRecorded = { inserts: () => true, deletes: true };

/** Follow one document. */
export class KernelEdits {
  /** Return the one of a document. */
  static of(live: ILiveDocument): KernelEdits {
    let found = all.get(live.provider);
    if (!found) {
      found = new KernelEdits(live);
      all.set(live.provider, found);
    }
    return found;
  }

  private constructor({ model, type, provider }: ILiveDocument) {
    const { ydoc, awareness } = model as YDocument<DocumentChange>;
    this._doc = ydoc;
    this._type = type;
    this._provider = provider;
    this._awareness = awareness;
    if (type === 'notebook') {
      this._cells = ydoc.getArray('cells');
      this._order = idsOf(this._cells);
      const observe = (events: unknown, transaction: Y.Transaction) =>
        this._onEvents(events as Events, transaction);
      this._cells.observeDeep(observe);
      ydoc.getMap('meta').observeDeep(observe);
    } else {
      ydoc
        .getText('source')
        .observe((event, transaction) =>
          this._onEvents([event] as unknown as Events, transaction)
        );
    }
    ydoc.on('afterTransaction', ({ origin }) => {
      if (origin === provider) {
        this._told = null;
      }
    });
    provider.eventReceived.connect((_, { name, params }) => {
      if (name === 'author' && Array.isArray(params.clients)) {
        this._told = params.clients as number[];
      } else if (name === 'taken-back') {
        this._onTakenBack(params.client === awareness.clientID);
      }
    });
    provider.stateChanged.connect(() => this._mayUndoChanged.emit());
    this._awareness.on('change', this._onAwareness);
    this._onAwareness();
  }

  /** What the kernel did, null where that is nothing, or was taken back. */
  get done(): Step | null {
    return this._done && !this._done.isSpent ? this._done : null;
  }

  /** What was taken back and can be done again. */
  get undone(): Step | null {
    return this._undone;
  }

  /** The kernel did something, or it was taken back, here or by somebody else. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The connection went or came back. */
  get mayUndoChanged(): ISignal<this, void> {
    return this._mayUndoChanged;
  }

  get mayWrite(): boolean {
    return this._provider.mayWrite;
  }

  /** Whether `undo` can do anything: without a connection nobody knows what others take back meanwhile. */
  get mayUndo(): boolean {
    return (
      this.done !== null && this.mayWrite && this._provider.state === 'synced'
    );
  }

  /** Take the next edit, unless it follows at once, for the beginning of something else. */
  seal(): void {
    this._sealed = true;
  }

  /**
   * Take back what the kernel did, for everybody.
   *
   * When the relay says so: it tells all tabs in one order, so that of several who ask at once one does it.
   */
  undo(): void {
    const { done } = this;
    if (!this.mayUndo || this._asked) {
      return;
    }
    this._asked = done;
    const answered = () => {
      this._asked = null;
    };
    const client = this._awareness.clientID;
    // Where it is refused, or the connection is lost, the step stays to be taken back.
    this._provider.request('take-back', { client }).then(answered, answered);
  }

  /** Do again what was taken back. */
  redo(): void {
    const undone = this._undone;
    if (undone && this.mayWrite) {
      this._undone = null;
      this._done = this._flip(undone);
      this._changed.emit();
    }
  }

  /** One of those who asked takes back what was done; for the others there is nothing left to take back. */
  private _onTakenBack(isMine: boolean): void {
    const { done } = this;
    const asked = this._asked;
    this._asked = null;
    // Another one than was asked for, where somebody else was first and the kernel went on.
    if (isMine && (!done || done !== asked || !this.mayWrite)) {
      return;
    }
    this._done = null;
    if (isMine) {
      this._undone = this._flip(done!);
    }
    this._changed.emit();
  }

  /** Take a step back and return what that did, as a step. */
  private _flip(step: Step): Step {
    const other = new Step(this._doc, this._type);
    this._flipping = other;
    step.takeBack(other);
    this._flipping = null;
    return other;
  }

  private _onEvents(events: Events, transaction: Y.Transaction): void {
    const order = this._order;
    const isOwn = transaction.origin === this._flipping;
    const recorded = this._recorded(transaction, client =>
      this._kernels.has(client)
    );
    if (recorded) {
      this._begin();
    } else {
      this._recordEarly(events, transaction, order);
    }
    for (const step of [this._done, this._undone]) {
      step?.record(events, transaction, recorded, order);
    }
    if (isOwn) {
      this._flipping?.record(events, transaction, OWN, order);
    }
    this._order = idsOf(this._cells);
    const isMissed =
      this._done !== null &&
      transaction.origin === this._provider &&
      this._provider.state !== 'synced';
    if (isMissed) {
      // Somebody may have taken it back without a word that reached this tab.
      this._done = null;
    }
    if (recorded || isMissed) {
      this._changed.emit();
    }
  }

  /** Return what of a transaction is the kernel's, null where nothing is, or where that is not known. */
  private _recorded(
    { origin, beforeState, afterState, deleteSet }: Y.Transaction,
    isMine: (client: number) => boolean
  ): IRecorded | null {
    // The content as a whole, which comes with each connection, says nothing of who did it when.
    if (origin !== this._provider || this._provider.state !== 'synced') {
      return null;
    }
    const inserters = [...afterState]
      .filter(([client, clock]) => clock > (beforeState.get(client) ?? 0))
      .map(([client]) => client);
    if (!deleteSet.clients.size) {
      this._author = inserters.find(isMine) ?? this._author;
      return inserters.some(isMine)
        ? { inserts: isMine, deletes: false }
        : null;
    }
    // Half of a replacement, taken back, would lose text.
    const known = this._told?.length !== 0;
    const authors = [...(this._told ?? []), ...inserters];
    if (!known || !authors.length || !authors.every(isMine)) {
      return null;
    }
    this._author = authors[0]!;
    return { inserts: isMine, deletes: true };
  }

  /** Record what somebody does who has not said yet who it is: a kernel's first edit may come before its name. */
  private _recordEarly(
    events: Events,
    transaction: Y.Transaction,
    order: readonly string[]
  ): void {
    const states = this._awareness.getStates();
    const author = this._author;
    let early = this._early;
    const recorded = this._recorded(
      transaction,
      client => !states.has(client) && (!early || early.client === client)
    );
    const client = this._author;
    this._author = author;
    if (early && (Date.now() > early.until || states.has(early.client))) {
      early = null;
    }
    if (recorded) {
      const step = new Step(this._doc, this._type);
      early ??= { client, step, until: Date.now() + EARLY };
    }
    early?.step.record(events, transaction, recorded, order);
    this._early = early;
  }

  /** Take over what a kernel did before it was known to be one. */
  private _welcome(client: number): void {
    if (this._early?.client !== client) {
      return;
    }
    if (!this._done) {
      this._begin();
      this._done = this._early.step;
      this._author = client;
      this._changed.emit();
    }
    this._early = null;
  }

  private _begin(): void {
    const now = Date.now();
    if (!this._done || (this._sealed && now > this._last + PAUSE)) {
      this._done = new Step(this._doc, this._type);
      this._undone = null;
      this._sealed = false;
    }
    this._last = now;
  }

  private readonly _onAwareness = (): void => {
    for (const [client, state] of this._awareness.getStates()) {
      if (state['kind'] === 'kernel' && !this._kernels.has(client)) {
        this._kernels.add(client);
        this._welcome(client);
      }
    }
  };

  private readonly _doc: Y.Doc;
  private readonly _type: string;
  private readonly _provider: Provider;
  private readonly _awareness: Awareness;
  private readonly _cells: Y.Array<Y.Map<unknown>> | null = null;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _mayUndoChanged = new Signal<this, void>(this);
  /** All kernels that were ever here: what one did last may come after it has gone. */
  private readonly _kernels = new Set<number>();
  private _told: readonly number[] | null = null;
  private _order: readonly string[] = [];
  private _done: Step | null = null;
  private _undone: Step | null = null;
  /** What the relay was asked to let this tab take back. */
  private _asked: Step | null = null;
  private _flipping: Step | null = null;
  private _early: IEarly | null = null;
  private _sealed = false;
  private _last = 0;
  private _author = 0;
}

const all = new WeakMap<Provider, KernelEdits>();
