/** What one document receives on its channel: frames, put together and read. */

import { FrameError, FrameTooLarge } from './errors';
import type { CloseCode } from './protocol/codes';
import { type Decoded, FrameReader } from './protocol/peer';

/** Read one document's frames. */
export class Inbox {
  /**
   * @param _take takes what was read; false where nothing more is wanted.
   * @param _refuse hears of a frame that cannot be read.
   */
  constructor(
    private readonly _take: (value: Decoded) => boolean,
    private readonly _refuse: (code: CloseCode) => void
  ) {}

  /** Read a new channel, with frames of at most so many bytes put together. */
  reset(limit?: number): void {
    this._reader = new FrameReader(limit);
  }

  /** Take the frames of one message. */
  receive(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const value = this._read(frame);
      if (value === undefined || (value && !this._take(value))) {
        return;
      }
    }
  }

  /** Return what a frame says, null where more of it has to come, undefined where it says nothing. */
  private _read(frame: Uint8Array): Decoded | null | undefined {
    try {
      return this._reader.receive(frame);
    } catch (error) {
      if (error instanceof FrameError) {
        this._refuse('bad-frame');
      } else if (error instanceof FrameTooLarge) {
        this._refuse('too-large');
      } else {
        throw error;
      }
      return undefined;
    }
  }

  private _reader = new FrameReader();
}
