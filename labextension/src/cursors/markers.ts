/** Draws others' carets and selections over and under an editor's text, whose own DOM stays as it is. */

import { EditorSelection } from '@codemirror/state';
import {
  type EditorView,
  type LayerMarker,
  RectangleMarker
} from '@codemirror/view';
import { paint } from '../presence/identity';
import type { IRange } from './positions';

/** One client's carets and selections in one editor. */
export interface ICaret {
  readonly name: string;
  readonly color: string;
  readonly ranges: readonly IRange[];
  /** Counts the movements, for with each of them the name is shown anew. */
  readonly moves: number;
}

/** Pixels that a name is high. */
const FLAG = 16;
/** Pixels beside a caret where the mouse is taken to be on it. */
const NEAR = 5;

/** Return what to draw over the text. */
export function caretMarkers(
  view: EditorView,
  carets: Iterable<ICaret>
): readonly LayerMarker[] {
  return [...carets].flatMap(caret =>
    caret.ranges.flatMap(({ anchor, head, primary }) => {
      const at = EditorSelection.cursor(head, head > anchor ? -1 : 1);
      return RectangleMarker.forRange(view, 'rtcw-Caret', at).map(
        place => new CaretMarker(place, caret, primary, sideOf(view, place))
      );
    })
  );
}

/** Return what to draw under the text. */
export function selectionMarkers(
  view: EditorView,
  carets: Iterable<ICaret>
): readonly LayerMarker[] {
  return [...carets].flatMap(({ color, ranges }) =>
    ranges
      .filter(({ anchor, head }) => anchor !== head)
      .flatMap(({ anchor, head }) =>
        RectangleMarker.forRange(
          view,
          'rtcw-Selection',
          EditorSelection.range(anchor, head)
        ).map(place => new SelectionMarker(place, color))
      )
  );
}

/** Show the names of the carets that are under the mouse. */
export function hover(view: EditorView, event: MouseEvent): void {
  for (const caret of view.scrollDOM.querySelectorAll('.rtcw-Caret')) {
    const { left, top, bottom } = caret.getBoundingClientRect();
    const { clientX, clientY } = event;
    const isNear = Math.abs(clientX - left) <= NEAR;
    caret.classList.toggle(
      'rtcw-mod-hovered',
      isNear && clientY >= top && clientY <= bottom
    );
  }
}

/** Return on which side of a caret there is room for a name; the editor hides what leaves it. */
function sideOf(view: EditorView, { top, height }: RectangleMarker): string {
  const { scrollTop, clientHeight } = view.scrollDOM;
  if (top - scrollTop >= FLAG) {
    return 'above';
  }
  const below = clientHeight + scrollTop - top - height;
  return below >= FLAG ? 'below' : 'beside';
}

class CaretMarker implements LayerMarker {
  constructor(
    private readonly _place: RectangleMarker,
    private readonly _caret: ICaret,
    private readonly _primary: boolean,
    private readonly _side: string
  ) {}

  eq(other: CaretMarker): boolean {
    const { name, color, moves } = this._caret;
    return (
      this._place.eq(other._place) &&
      this._primary === other._primary &&
      this._side === other._side &&
      name === other._caret.name &&
      color === other._caret.color &&
      moves === other._caret.moves
    );
  }

  draw(): HTMLElement {
    const caret = this._place.draw();
    const flag = document.createElement('div');
    flag.className = 'rtcw-Caret-name';
    caret.append(flag);
    this._refresh(caret);
    return caret;
  }

  update(caret: HTMLElement, old: CaretMarker): boolean {
    if (!this._place.update(caret, old._place)) {
      return false;
    }
    this._refresh(caret);
    return true;
  }

  private _refresh(caret: HTMLElement): void {
    const { name, color, moves } = this._caret;
    paint(caret, color);
    caret.firstElementChild!.textContent = this._primary ? name : '';
    caret.dataset['side'] = this._side;
    // Two names of one animation take turns, so that it starts anew.
    caret.dataset['moved'] = moves % 2 ? 'odd' : 'even';
  }
}

class SelectionMarker implements LayerMarker {
  constructor(
    private readonly _place: RectangleMarker,
    private readonly _color: string
  ) {}

  eq(other: SelectionMarker): boolean {
    return this._place.eq(other._place) && this._color === other._color;
  }

  draw(): HTMLElement {
    const piece = this._place.draw();
    paint(piece, this._color);
    return piece;
  }

  update(piece: HTMLElement, old: SelectionMarker): boolean {
    paint(piece, this._color);
    return this._place.update(piece, old._place);
  }
}
