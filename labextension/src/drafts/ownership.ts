/** Says which drafts belong to a document that is open, in this or another tab, so that nobody else takes them. */

function nameOf(id: string): string {
  return `rtc_widgets:draft:${id}`;
}

/** The browser's locks; there are none on pages that came over plain HTTP from another computer. */
function locks(): LockManager | undefined {
  return navigator.locks;
}

/** Own a draft until the returned function is called, or the page is gone, however it goes. */
export function own(id: string): () => void {
  let release: () => void = () => undefined;
  const until = new Promise<void>(resolve => {
    release = resolve;
  });
  locks()
    ?.request(nameOf(id), () => until)
    // A page that is not fully active gets no locks.
    .catch(() => undefined);
  return release;
}

/**
 * Do something with a draft that nobody owns.
 *
 * Without locks it is done in any case: what is applied twice to one lineage is applied once.
 */
export async function take(
  id: string,
  action: () => Promise<void>
): Promise<void> {
  const manager = locks();
  if (!manager) {
    await action();
    return;
  }
  await manager.request(nameOf(id), { ifAvailable: true }, async lock => {
    if (lock) {
      await action();
    }
  });
}
