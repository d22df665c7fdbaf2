/** Wait on a fact, never on time. */
export async function until(
  fact: () => boolean,
  what = fact.toString(),
  deadline = 10_000
): Promise<void> {
  const end = Date.now() + deadline;
  while (!fact()) {
    if (Date.now() > end) {
      throw new Error(`Not so within ${deadline} ms: ${what}`);
    }
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}
