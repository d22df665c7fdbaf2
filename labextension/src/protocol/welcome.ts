/** The relay's welcome: role, lineage and limits of a document (section 2). */

import { FrameError } from '../errors';
import { isRole, type Role } from '../roles';
import { isObject } from './codec';

/** Hold the limits of section 11: bytes, and messages a second. */
export interface ILimits {
  readonly frame: number;
  readonly message: number;
  readonly awareness: number;
  readonly rate: number;
}

export const DEFAULT_LIMITS: ILimits = {
  frame: 2 ** 20,
  message: 2 ** 28,
  awareness: 2 ** 16,
  rate: 1000
};

/** Tell a peer what it joined. */
export interface IWelcome {
  readonly version: number;
  readonly release: string;
  readonly role: Role;
  readonly lineage: string;
  readonly document: string;
  readonly path: string;
  readonly room: string;
  readonly limits: ILimits;
}

/** Read a welcome; keys that are not known are ignored. */
export function fromJson(value: unknown): IWelcome {
  if (!isObject(value)) {
    throw new FrameError('The welcome is not an object.');
  }
  const text = (key: string): string => {
    const found = value[key];
    if (typeof found !== 'string') {
      throw new FrameError(`The welcome's ${key} is missing.`);
    }
    return found;
  };
  const { role, version } = value;
  if (typeof version !== 'number' || !Number.isInteger(version)) {
    throw new FrameError("The welcome's version is missing.");
  }
  if (!isRole(role)) {
    throw new FrameError("The welcome's role is missing or unknown.");
  }
  const given = isObject(value.limits) ? value.limits : {};
  const limit = (key: keyof ILimits): number => {
    const found = given[key];
    return typeof found === 'number' && found > 0 ? found : DEFAULT_LIMITS[key];
  };
  return {
    version,
    release: text('release'),
    role,
    lineage: text('lineage'),
    document: text('document'),
    path: text('path'),
    room: text('room'),
    limits: {
      frame: limit('frame'),
      message: limit('message'),
      awareness: limit('awareness'),
      rate: limit('rate')
    }
  };
}
