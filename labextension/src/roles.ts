/** What a peer may do in a room: roles, each including the ones before it. */

/** The roles, ascending. */
export const ROLES = ['viewer', 'commenter', 'editor', 'runner'] as const;

/** One peer's rights. */
export type Role = (typeof ROLES)[number];

/** Tell whether `value` names a role. */
export function isRole(value: unknown): value is Role {
  return ROLES.includes(value as Role);
}

/** Tell whether the role may change the content document. */
export function mayWrite(role: Role): boolean {
  return role === 'editor' || role === 'runner';
}
