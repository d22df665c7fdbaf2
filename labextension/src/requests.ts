/** Requests that wait for the relay's answer (section 3.4). */

import { NotConnected, RequestFailed } from './errors';
import { isObject } from './protocol/codec';
import { sentence } from './protocol/codes';
import { encodeRequest, type IResponse } from './protocol/request';

interface IPending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Number requests, hold those that cannot be sent yet, and match the answers. */
export class Requests {
  /** @param _send sends a frame, or tells with `false` that it has to wait for `flush`. */
  constructor(private readonly _send: (frame: Uint8Array) => boolean) {}

  /** Ask, and return the answer's result. */
  ask(
    method: string,
    params: Record<string, unknown>,
    timeout: number
  ): Promise<unknown> {
    this._id += 1;
    const id = this._id;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this._pending.delete(id);
        reject(new NotConnected('The server did not answer in time.'));
      }, timeout);
      this._pending.set(id, { resolve, reject, timer });
      const frame = encodeRequest(id, method, params);
      if (!this._send(frame)) {
        this._waiting.push(frame);
      }
    });
  }

  /** Send what waits. */
  flush(): void {
    for (const frame of this._waiting.splice(0)) {
      this._send(frame);
    }
  }

  /** Take an answer; one that nobody waits for any more is ignored. */
  answer({ id, ok, result }: IResponse): void {
    const pending = this._take(id);
    if (ok) {
      pending?.resolve(result);
      return;
    }
    const { code, reason }: Record<string, unknown> = isObject(result)
      ? result
      : {};
    pending?.reject(
      new RequestFailed(
        typeof code === 'string' ? code : 'internal-error',
        typeof reason === 'string' ? reason : sentence('internal-error')
      )
    );
  }

  /** Reject everything: no answer can come any more. */
  fail(error: Error): void {
    this._waiting.length = 0;
    for (const id of [...this._pending.keys()]) {
      this._take(id)?.reject(error);
    }
  }

  private _take(id: number): IPending | undefined {
    const pending = this._pending.get(id);
    this._pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  private readonly _pending = new Map<number, IPending>();
  private readonly _waiting: Uint8Array[] = [];
  private _id = 0;
}
