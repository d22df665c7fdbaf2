/** What people do to a cell in JupyterLab, as it does it: the calls to `@jupyter/ydoc` of its notebook's actions. */

import type { YNotebook } from '@jupyter/ydoc';

/** The cell and a text in it; what is done is done to these. */
export interface IPlace {
  readonly cell: string;
  readonly quote: string;
}

type Operation = (notebook: YNotebook, place: IPlace) => void;

function at(notebook: YNotebook, { cell, quote }: IPlace) {
  const index = notebook.cells.findIndex(one => one.getId() === cell);
  const model = notebook.getCell(index);
  const source = model.getSource();
  const start = source.indexOf(quote);
  return { index, model, source, start, stop: start + quote.length };
}

function code(source: string) {
  return { cell_type: 'code', metadata: {}, source };
}

/** Split as JupyterLab does: what is above goes into a new cell, and the old one keeps what is below. */
function split(notebook: YNotebook, place: IPlace, offset: number): void {
  const { index, model, source } = at(notebook, place);
  notebook.transact(() => {
    const above = source.slice(0, offset).replace(/\n+$/, '');
    notebook.insertCells(index, [code(above)]);
    model.setSource(source.slice(offset).replace(/^\n+/, ''));
  });
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  none: () => undefined,
  editInside: (notebook, place) => {
    const { model, stop } = at(notebook, place);
    model.updateSource(stop - 7, stop - 7, '.dropna()');
  },
  editAround: (notebook, place) => {
    const { model } = at(notebook, place);
    model.updateSource(0, 0, '# héllo 🎉\n');
    const end = model.getSource().length;
    model.updateSource(end, end, '\n# end');
  },
  setSourceSmall: (notebook, place) => {
    const { model, source } = at(notebook, place);
    model.setSource(source.replace('a.csv', 'b.csv'));
  },
  setSourceRename: (notebook, place) => {
    const { model, source } = at(notebook, place);
    model.setSource(source.replace(/df/g, 'frame'));
  },
  black: (notebook, place) => {
    const { model, source } = at(notebook, place);
    model.setSource(source.replace(/"x"/, "'x'").replace('pd\n', 'pd\n\n'));
  },
  move: (notebook, place) => {
    notebook.moveCells(at(notebook, place).index, notebook.cells.length - 1);
  },
  retype: (notebook, place) => {
    const { index, model } = at(notebook, place);
    const { id, source, metadata } = model.toJSON();
    notebook.transact(() => {
      notebook.deleteCell(index);
      const cell = { id: String(id), source: String(source), metadata };
      notebook.insertCell(index, { ...cell, cell_type: 'raw' });
    });
  },
  splitBefore: (notebook, place) => {
    split(notebook, place, at(notebook, place).start);
  },
  splitAfter: (notebook, place) => {
    split(notebook, place, at(notebook, place).stop);
  },
  splitInside: (notebook, place) => {
    split(notebook, place, at(notebook, place).start + 6);
  },
  mergeBelow: (notebook, place) => {
    const { index, source } = at(notebook, place);
    const below = notebook.getCell(index + 1).getSource();
    notebook.transact(() => {
      notebook.deleteCell(index);
      notebook.insertCell(index, code(`${source}\n\n${below}`));
      notebook.deleteCell(index + 1);
    });
  },
  cutPaste: (notebook, place) => {
    const { index, source } = at(notebook, place);
    notebook.transact(() => notebook.deleteCell(index));
    notebook.insertCell(notebook.cells.length, code(source));
  },
  deleteCell: (notebook, place) => {
    notebook.deleteCell(at(notebook, place).index);
  },
  deleteQuote: (notebook, place) => {
    const { model, start, stop } = at(notebook, place);
    model.updateSource(start, stop, '');
  },
  deleteQuoteUndo: (notebook, place) => {
    notebook.undoManager.stopCapturing();
    const { model, start, stop } = at(notebook, place);
    model.updateSource(start, stop, '');
    notebook.undo();
  },
  deleteCellUndo: (notebook, place) => {
    notebook.undoManager.stopCapturing();
    notebook.deleteCell(at(notebook, place).index);
    notebook.undo();
  },
  reloadFromJSON: notebook => notebook.fromJSON(notebook.toJSON()),
  rewriteAll: (notebook, place) => {
    at(notebook, place).model.setSource('completely = "different"\n');
  },
  dupQuoteAbove: (notebook, place) => {
    at(notebook, place).model.updateSource(0, 0, `${place.quote}\n`);
  },
  dupThenSetSource: (notebook, place) => {
    const { model, source } = at(notebook, place);
    model.setSource(`${place.quote}\n${source}`);
  }
};
