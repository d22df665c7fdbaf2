/** Whose a draft is: a computer may be shared, and what one person typed is not offered to another. */

import type { User } from '@jupyterlab/services';

/** The name that jupyter_server makes up, anew at each sign-in, for whoever has the server's token. */
const MADE_UP = /^[0-9a-f]{32}$/;

/** Return the person's name, empty for whoever has the token: they are one person to the server. */
export function nameOf(identity: User.IIdentity | null): string {
  const name = identity?.username ?? '';
  return MADE_UP.test(name) ? '' : name;
}
