/** Which version of the protocol two releases speak (section 9). */

/** The versions that this release speaks. */
export const VERSIONS: readonly number[] = [1];

/** Return the highest version that both sides speak, or null where there is none. */
export function choose(
  theirs: readonly unknown[],
  ours: readonly number[] = VERSIONS
): number | null {
  const common = ours.filter(version => theirs.includes(version));
  return common.length ? Math.max(...common) : null;
}
