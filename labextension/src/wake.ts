/** Hears what says that the network may be another one now, or that a person looks again: a moment to reconnect. */

/** Call `listener` at such moments, as long as the page lives. */
export function onWake(listener: () => void): void {
  // `offline` too: what the browser says of the network as a whole is not so of a server on this machine.
  for (const name of ['online', 'offline', 'focus', 'pageshow']) {
    window.addEventListener(name, listener);
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      listener();
    }
  });
}
