/** Whom the server knows besides those who are or wrote here: asked for while a name is typed. */

import { isRecord } from '../presence/identity';
import type { IAsker } from './asking';

/** People at a time; of fewer there are no more whose names begin so. */
const MOST = 20;

/** Ask for people, and remember who was told. */
export class Directory {
  constructor(private readonly _asker: Pick<IAsker, 'request'>) {}

  /** Identities as the server has them, by user name. */
  get people(): ReadonlyMap<string, Readonly<Record<string, unknown>>> {
    return this._people;
  }

  /** Ask whom a name that is being typed may mean; tells whether somebody is known now who was not. */
  async find(query: string): Promise<boolean> {
    if (!query || this._isKnown(query)) {
      return false;
    }
    this._asked.set(query, MOST);
    try {
      const answer = await this._asker.request('people.find', { query });
      const told: unknown = isRecord(answer) ? answer['people'] : null;
      const people = Array.isArray(told) ? told.filter(isRecord) : [];
      this._asked.set(query, people.length);
      const before = this._people.size;
      for (const identity of people) {
        const { username } = identity;
        if (typeof username === 'string' && username) {
          this._people.set(username, identity);
        }
      }
      return this._people.size > before;
    } catch {
      // An older server, or none at the moment: then it is asked with the next letter.
      this._asked.delete(query);
      return false;
    }
  }

  private _isKnown(query: string): boolean {
    return [...this._asked].some(
      ([asked, found]) =>
        asked === query || (found < MOST && query.startsWith(asked))
    );
  }

  private readonly _people = new Map<string, Record<string, unknown>>();
  /** How many were told of each query; the most while that is not known. */
  private readonly _asked = new Map<string, number>();
}
