/** The seam between a document and its carrier: an ordered stream of frames with one close. */

import type { CloseCode } from '../protocol/codes';
import type { IWelcome } from '../protocol/welcome';

/** Hear one document's channel. */
export interface IChannelListener {
  /** Take the frames of one message; `welcome` comes with the first one. */
  receive(frames: readonly Uint8Array[], welcome: IWelcome | null): void;
  /** The other side ended the document; nothing follows. */
  closed(code: CloseCode, reason: string): void;
  /** The carrier broke; nothing follows. */
  lost(): void;
}

/** Send one document's frames. */
export interface IChannel {
  /** Send frames as one message and return its number (section 2, `seq`). */
  send(frames: readonly Uint8Array[]): number;
  /** End the document for this peer; the listener hears nothing more. */
  close(code: CloseCode): void;
}

/** What `comm_open` says about this peer (section 2, `Open`). */
export interface IOpen {
  readonly versions: readonly number[];
  readonly release: string;
  readonly ticket: string;
  readonly lineage: string | null;
  /** Whether this side brings back what others typed in texts that it deleted while it was away. */
  readonly compares?: true;
}

/** Many documents on one carrier. */
export interface IConnection {
  /** Wait until documents can be opened; connects where that is needed. */
  ready(): Promise<void>;
  /** Try again at once; a carrier that seems to work is given up, for it may be one that nobody listens to. */
  reconnect(): void;
  /** Something says that the network may be back, or gone: try at once, and probe a connection that stands. */
  wake(): void;
  /** Wait so many milliseconds, or until somebody wants to be connected at once. */
  wait(duration: number): Promise<void>;
  /** Tell whether the server does not know this person any more; where it does not answer, it is not known. */
  isRefused(): Promise<boolean>;
  /** Open a document; throws `NotConnected` unless `ready`. */
  open(
    commId: string,
    data: IOpen,
    frames: readonly Uint8Array[],
    listener: IChannelListener
  ): IChannel;
}
