/** Why documents of this page are not shared: noted where it is decided, for those who tell people. */

import type { IWhyNot } from './standing/standing';

/** Keep the reason. */
export class Sharing {
  /** Null where documents are shared. */
  get whyNot(): IWhyNot | null {
    return this._whyNot;
  }

  /** Note that nothing is shared here; the other extension is the detail of `other`. */
  refuse(code: 'off' | 'other' | 'absent', detail = ''): void {
    this._whyNot = { code, detail };
  }

  private _whyNot: IWhyNot | null = null;
}
