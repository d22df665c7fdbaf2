/** Keeps the focus where a person writes or reads, until they go elsewhere themselves. */

/** What takes it by script: a notebook once it has scrolled to the cell that was run, and what is restored with the page. */
const TAKERS = '.jp-Document';
/** How often it is taken back: two that both insist must not go on for ever. */
const MOST = 5;
/** The keys by which one leaves a text; of all others it has the text, or a composer's own use. */
const LEAVING = /^(Tab|Escape|F\d+)$/;

let held: AbortController | null = null;

/**
 * Give an element that has the focus it back where a script takes it away into the document.
 *
 * This ends once the person leaves, by a key or by a pointer, or once anything else has the focus: a dialog, say.
 */
export function holdFocus(node: HTMLElement): void {
  held?.abort();
  const holding = (held = new AbortController());
  const { signal } = holding;
  const options = { capture: true, signal };
  const isInText = node instanceof HTMLTextAreaElement;
  let taken = 0;
  document.addEventListener(
    'focusin',
    ({ target }) => {
      if (target === node) {
        return;
      }
      if (taken === MOST || !isTaken(node, target as Element)) {
        holding.abort();
        return;
      }
      taken += 1;
      // Once whoever takes it is done: in the midst of that they would take it again.
      queueMicrotask(() => {
        if (!signal.aborted) {
          node.focus({ preventScroll: true });
        }
      });
    },
    options
  );
  document.addEventListener(
    'pointerdown',
    ({ target }) => {
      if (target !== node) {
        holding.abort();
      }
    },
    options
  );
  document.addEventListener(
    'keydown',
    ({ key, target }) => {
      if (target !== node || !isInText || LEAVING.test(key)) {
        holding.abort();
      }
    },
    options
  );
}

/** Whether the document has the focus now, and not what is around in the same composer or panel: a widget's is in a notebook. */
function isTaken(node: HTMLElement, target: Element): boolean {
  const around = node.closest('.rtcw-Comments, .rtcw-InPlace');
  return (
    node.isConnected &&
    target.closest(TAKERS) !== null &&
    around?.contains(target) !== true
  );
}
