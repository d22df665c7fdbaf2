/**
 * Sends requests again that nobody will answer any more.
 *
 * A browser has six connections to a server and gives none of them up by itself. Where a network swallowed what they carried,
 * JupyterLab's own requests fill them, and whatever is asked later waits behind those for ever.
 */

/** Make one request; what `ServerConnection` calls. */
export type FetchRequest = (
  input: RequestInfo | URL,
  init?: RequestInit
) => Promise<Response>;

/** Pass requests on, and remember those that can be sent twice until they are answered. */
export class Rescue {
  /** @param _fetch makes the requests. */
  constructor(private readonly _fetch: FetchRequest) {}

  /** Make a request. */
  readonly fetch: FetchRequest = async (input, init) => {
    const request = new Request(input, init);
    // To ask for something once more does no harm; to do something once more may.
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return this._fetch.call(null, request);
    }
    for (;;) {
      const attempt = new AbortController();
      const giveUp = () => attempt.abort(request.signal.reason);
      request.signal.addEventListener('abort', giveUp);
      this._underWay.add(attempt);
      try {
        return await this._fetch.call(null, request.clone(), {
          signal: attempt.signal
        });
      } catch (error) {
        if (!this._rescued.has(attempt)) {
          throw error;
        }
      } finally {
        request.signal.removeEventListener('abort', giveUp);
        this._underWay.delete(attempt);
      }
    }
  };

  /** Send again, on connections that work, what was not answered. */
  again(): void {
    for (const attempt of [...this._underWay]) {
      this._rescued.add(attempt);
      attempt.abort();
    }
  }

  private readonly _underWay = new Set<AbortController>();
  private readonly _rescued = new WeakSet<AbortController>();
}
