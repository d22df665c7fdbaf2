/** Opens one document's channel, and again each time it breaks, until the document has ended (section 6). */

import { Backoff } from './channels/backoff';
import type {
  IChannel,
  IChannelListener,
  IConnection
} from './channels/channel';
import { ChannelClosed, NotConnected } from './errors';
import { type CloseCode, isTransient, sentence } from './protocol/codes';
import { VERSIONS } from './protocol/version';
import { RELEASE } from './release';
import type { IRoom } from './rooms';

/** A ticket may expire while a laptop sleeps; more refusals in a row than this are meant. */
const MOST_REFUSED = 3;

/** What channels are opened with. */
export interface IOpeningOptions {
  readonly connection: IConnection;
  /** Open the room over HTTP; called before each opening of the channel. */
  readonly join: () => Promise<IRoom>;
  readonly backoff?: Backoff;
}

/** For whom channels are opened. */
export interface IOpeningOwner {
  /** The lineage of what this side has, null where it has nothing. */
  readonly lineage: () => string | null;
  /** Whether it looks at the relay's whole document, for what others typed where it deleted. */
  readonly compares: () => boolean;
  /** Return the first frames on a new channel. */
  readonly greet: () => Uint8Array[];
  readonly opened: (channel: IChannel) => void;
  readonly receive: IChannelListener['receive'];
  /** There is no channel for now; another will come. */
  readonly paused: () => void;
  /** The relay knows this person, who may not open the document any more. */
  readonly barred: () => void;
  /** There will be none any more. */
  readonly ended: (code: CloseCode, reason: string) => void;
}

/** Keep a document's channel open. */
export class Opening {
  constructor(
    options: IOpeningOptions,
    private readonly _owner: IOpeningOwner
  ) {
    this._connection = options.connection;
    this._join = options.join;
    this._backoff = options.backoff ?? new Backoff();
  }

  /** The relay has welcomed this peer: the next failure is a first one. */
  welcomed(): void {
    this._backoff.reset();
  }

  /** Open no further channel. */
  stop(): void {
    this._stopped = true;
  }

  /** Open a channel. */
  async open(): Promise<void> {
    if (this._stopped) {
      return;
    }
    let room: IRoom;
    try {
      room = await this._room();
    } catch (error) {
      this._failed(error);
      return;
    }
    if (this._stopped) {
      return;
    }
    const lineage = this._owner.lineage();
    if (lineage !== null && room.lineage !== lineage) {
      this._owner.ended('lineage-mismatch', sentence('lineage-mismatch'));
      return;
    }
    const { ticket } = room;
    const data = {
      versions: VERSIONS,
      release: RELEASE,
      ticket,
      lineage,
      ...(this._owner.compares() ? ({ compares: true } as const) : {})
    };
    try {
      this._owner.opened(
        this._connection.open(room.commId, data, this._owner.greet(), {
          receive: this._owner.receive,
          closed: (code, reason) => this._closed(code, reason),
          lost: () => {
            this._owner.paused();
            void this.open();
          }
        })
      );
    } catch (error) {
      this._failed(error);
    }
  }

  private async _room(): Promise<IRoom> {
    // The first time both at once, for the answer that comes first may be that there is nothing to open. Later
    // the socket first, for a server that is away needs no requests.
    if (this._owner.lineage() === null && !this._backoff.failures) {
      const both = [this._join(), this._connection.ready()] as const;
      return (await Promise.all(both))[0];
    }
    await this._connection.ready();
    if (this._stopped) {
      throw new NotConnected('The document was closed.');
    }
    return this._join();
  }

  private _closed(code: CloseCode, reason: string): void {
    // A ticket can expire between the HTTP request and the opening.
    const expired =
      code === 'unauthorized' && this._backoff.failures < MOST_REFUSED;
    this._failed(
      expired ? new NotConnected(reason) : new ChannelClosed(code, reason)
    );
  }

  private _failed(error: unknown): void {
    if (this._stopped) {
      return;
    }
    if (error instanceof NotConnected) {
      void this._again();
    } else if (!(error instanceof ChannelClosed)) {
      this._owner.ended('internal-error', sentence('internal-error'));
      throw error;
    } else if (isTransient(error.code)) {
      void this._again();
    } else if (error.code === 'no-access' && this._owner.lineage()) {
      // It may be given back, and till then what was typed is in good hands here.
      this._owner.barred();
      void this._again();
    } else if (error.code === 'unauthorized' && this._owner.lineage()) {
      void this._refused(error);
    } else {
      this._owner.ended(error.code, error.reason);
    }
  }

  /** Tell a person who has to sign in again, for whom the document waits, from one who lost the right to it. */
  private async _refused({ code, reason }: ChannelClosed): Promise<void> {
    if (await this._connection.isRefused()) {
      await this._again();
    } else if (!this._stopped) {
      this._owner.ended(code, reason);
    }
  }

  private async _again(): Promise<void> {
    if (!this._stopped) {
      this._owner.paused();
      await this._connection.wait(this._backoff.next());
      await this.open();
    }
  }

  private readonly _connection: IConnection;
  private readonly _join: () => Promise<IRoom>;
  private readonly _backoff: Backoff;
  private _stopped = false;
}
