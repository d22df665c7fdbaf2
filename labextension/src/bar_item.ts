/** An item of the top bar, for which another stands in while that is hidden: Notebook 7 hides it in a narrow page. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Widget } from '@lumino/widgets';

/** In Notebook 7's menu bar, behind the space and before what is at its right. */
const RANK = 9000;

/** Know whether the bar is shown. */
export class BarItem extends Widget {
  /**
   * Let another item be in the menu bar while this one's bar is hidden.
   *
   * @param rank the place among those that stand in.
   * @param make is called when the bar is hidden for the first time, if ever.
   */
  standIn(
    { restored, shell }: JupyterFrontEnd,
    rank: number,
    make: () => Widget
  ): this {
    let other: Widget | null = null;
    let isHidden = false;
    let isReady = false;
    const update = () => {
      if (isHidden && isReady && !other && !this.isDisposed) {
        other = make();
        other.id = `rtcw-stand-in-${rank}`;
        other.addClass('rtcw-StandIn');
        shell.add(other, 'menu', { rank: RANK + rank });
      }
      // Not by `setHidden`, with which an item hides itself where it has nothing to show.
      other?.toggleClass('rtcw-mod-idle', !isHidden);
    };
    this._observer = new IntersectionObserver(entries => {
      isHidden = !entries.at(-1)!.isIntersecting;
      update();
    });
    // While the page comes into being, everything may be hidden.
    void restored.then(() => {
      isReady = true;
      update();
    });
    this.disposed.connect(() => other?.dispose());
    return this;
  }

  protected override onAfterAttach(): void {
    if (this.parent) {
      this._observer?.observe(this.parent.node);
    }
  }

  protected override onBeforeDetach(): void {
    this._observer?.disconnect();
  }

  private _observer: IntersectionObserver | null = null;
}
