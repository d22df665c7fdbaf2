/** Waits for a document's content, and not for ever. */

import { NotConnected } from './errors';
import type { IOpenDocument } from './open_documents';

/** Milliseconds; a document that has not arrived by then is reported instead of a spinner that never ends. */
const LONGEST = 60_000;

const LATE =
  'The document could not be opened for collaboration: the connection to the server failed. ' +
  'Check the network and that WebSockets are let through, then open the file again.';

/** Resolve when the content has arrived, or nobody wants it any more. */
export async function firstSync({
  model,
  provider
}: IOpenDocument): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NotConnected(LATE)), LONGEST);
  });
  try {
    await Promise.race([provider.synced, late]);
  } catch (error) {
    // Who closes a tab while it loads need not be told that it did not load.
    if (!model.isDisposed) {
      throw error;
    }
  } finally {
    clearTimeout(timer);
  }
}
