/**
 * The errors this package throws.
 *
 * RtcError
 * ├── ProtocolError       a peer broke the protocol
 * │   ├── FrameError      bytes that do not parse
 * │   └── FrameTooLarge   a frame over the limit on a whole
 * ├── ChannelClosed       the document was ended; carries a close code
 * ├── RequestFailed       the relay answered a request with an error
 * └── NotConnected        there is no connection, or it did not answer in time
 */

import type { CloseCode } from './protocol/codes';

/** Be the base of every error of this package. */
export class RtcError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** Tell that a peer broke the protocol (docs/protocol.md). */
export class ProtocolError extends RtcError {}

/** Tell that bytes do not parse as an envelope or a frame (sections 2 and 3). */
export class FrameError extends ProtocolError {}

/** Tell that a frame is longer than the limit on a whole (section 4). */
export class FrameTooLarge extends ProtocolError {}

/** Tell that a document was ended, with a close code of section 5 and a sentence for a person. */
export class ChannelClosed extends RtcError {
  constructor(
    readonly code: CloseCode,
    readonly reason: string
  ) {
    super(reason);
  }
}

/** Tell that the relay refused a request (section 3.4). */
export class RequestFailed extends RtcError {
  constructor(
    readonly code: string,
    reason: string
  ) {
    super(reason);
  }
}

/** Tell that there is no connection, or that it did not answer in time. */
export class NotConnected extends RtcError {}
