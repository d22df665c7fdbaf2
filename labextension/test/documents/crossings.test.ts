/** Cells that one deletes while the other types in them without knowing. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IUnsaved } from '../../src/documents/unacknowledged';
import { Relay } from '../support/relay';
import { cell, notebook, sources, Tab, text } from '../support/tab';
import { until } from '../support/until';

let relay: Relay;
let ada: Tab;
let crossed: IUnsaved[];

beforeEach(async () => {
  relay = new Relay(notebook({ a: 'x = 1', b: 'y = 2' }));
  ada = new Tab(relay);
  crossed = [];
  ada.provider.crossed.connect((_, typed) => crossed.push(...typed));
  await ada.provider.synced;
  relay.isUp = false;
  relay.cut();
  await until(() => ada.provider.state === 'offline');
});

afterEach(() => {
  ada.dispose();
});

function cells(tab: { doc: Tab['doc'] }) {
  return tab.doc.getArray('cells');
}

/** Do something to the relay's document while Ada is away. */
function meanwhile(change: () => void): void {
  relay.doc.transact(change);
}

async function back(): Promise<void> {
  relay.isUp = true;
  await until(
    () =>
      ada.provider.state === 'synced' &&
      !ada.provider.hasUnsaved &&
      JSON.stringify(sources(ada.doc)) === JSON.stringify(sources(relay.doc))
  );
}

describe('what was typed here', () => {
  it('is known when the cell was deleted there', async () => {
    ada.type('b', '0');
    meanwhile(() => cells(relay).delete(1));
    await back();
    expect(crossed).toEqual([
      { id: 'b', before: 'y = 2', text: 'y = 20', cellType: 'code', index: 1 }
    ]);
  });

  it('is nothing where the cell was left alone here', async () => {
    ada.type('a', '0');
    meanwhile(() => cells(relay).delete(1));
    await back();
    expect(crossed).toEqual([]);
  });

  it('is nothing once it was acknowledged', async () => {
    ada.type('b', '0');
    await back();
    meanwhile(() => cells(relay).delete(1));
    await until(() => !('b' in sources(ada.doc)));
    expect(crossed).toEqual([]);
  });

  it('is known when the cell was moved there', async () => {
    ada.type('b', '0');
    meanwhile(() => {
      cells(relay).delete(1);
      cells(relay).insert(0, [cell('b', 'y = 2')]);
    });
    await back();
    expect(crossed).toMatchObject([{ id: 'b', text: 'y = 20' }]);
    expect(sources(ada.doc)).toEqual({ b: 'y = 2', a: 'x = 1' });
  });
});

describe('what others typed', () => {
  it('is known when the cell was deleted here', async () => {
    cells(ada).delete(1);
    meanwhile(() => text(relay.doc, 'b').insert(0, 'theirs '));
    await back();
    expect(crossed).toEqual([
      {
        id: 'b',
        before: 'y = 2',
        text: 'theirs y = 2',
        cellType: 'code',
        index: 1
      }
    ]);
  });

  it('is told from what was typed here before the deletion', async () => {
    ada.type('b', '0');
    cells(ada).delete(1);
    meanwhile(() => text(relay.doc, 'b').insert(0, 'theirs '));
    await back();
    expect(crossed).toMatchObject([{ before: 'y = 2', text: 'theirs y = 2' }]);
  });

  it('is nothing where they left the cell alone', async () => {
    ada.type('b', '0');
    cells(ada).delete(1);
    meanwhile(() => text(relay.doc, 'a').insert(0, 'theirs '));
    await back();
    expect(crossed).toEqual([]);
    expect(sources(relay.doc)).toEqual({ a: 'theirs x = 1' });
  });

  it('is known when the cell was moved here', async () => {
    ada.doc.transact(() => {
      cells(ada).delete(1);
      cells(ada).insert(0, [cell('b', 'y = 2')]);
    });
    meanwhile(() => text(relay.doc, 'b').insert(0, 'theirs '));
    await back();
    expect(crossed).toMatchObject([{ id: 'b', text: 'theirs y = 2' }]);
    expect(sources(relay.doc)).toEqual({ b: 'y = 2', a: 'x = 1' });
  });

  it('is asked for once, until the deletion is acknowledged', async () => {
    cells(ada).delete(1);
    await back();
    relay.cut();
    await back();
    expect(crossed).toEqual([]);
  });
});

describe('what both could bring back', () => {
  let ben: Tab;
  let bens: IUnsaved[];

  beforeEach(async () => {
    ben = new Tab(relay);
    bens = [];
    ben.provider.crossed.connect((_, typed) => bens.push(...typed));
    relay.isUp = true;
    await ben.provider.synced;
    relay.isUp = false;
    cells(ada).delete(1);
    // A disk that is slow: nothing is acknowledged for a while.
    relay.commits = false;
  });

  afterEach(() => {
    ben.dispose();
  });

  async function adaIsBack(): Promise<void> {
    relay.isUp = true;
    await until(() => !('b' in sources(ben.doc)));
  }

  it('is brought back by who deleted it, where the relay had it', async () => {
    ben.type('b', ' theirs');
    await until(() => sources(relay.doc).b === 'y = 2 theirs');
    await adaIsBack();
    expect(crossed).toMatchObject([{ before: 'y = 2', text: 'y = 2 theirs' }]);
    expect(bens).toEqual([]);
  });

  it('is brought back by who typed it, where it came too late', async () => {
    ben.type('b', ' early');
    await until(() => sources(relay.doc).b === 'y = 2 early');
    // On its way while the deletion is.
    relay.brought = () => ben.type('b', ' late');
    await adaIsBack();
    await until(() => bens.length === 1);
    expect(crossed).toMatchObject([{ before: 'y = 2', text: 'y = 2 early' }]);
    expect(bens).toMatchObject([
      { before: 'y = 2 early', text: 'y = 2 early late' }
    ]);
  });

  it('is brought back by who deleted it, where it came while it compared', async () => {
    relay.shown = () => text(relay.doc, 'b').insert(0, 'theirs ');
    await adaIsBack();
    await until(() => crossed.length > 0);
    expect(crossed).toMatchObject([{ before: 'y = 2', text: 'theirs y = 2' }]);
  });
});

it('knows the text from before a move', () => {
  ada.doc.transact(() => {
    cells(ada).delete(1);
    cells(ada).insert(0, [cell('b', 'y = 2')]);
  });
  ada.type('b', '0');
  expect(ada.provider.unsaved()).toMatchObject([
    { id: 'b', before: 'y = 2', text: 'y = 20' }
  ]);
});
