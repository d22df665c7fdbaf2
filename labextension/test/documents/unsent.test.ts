/** Changes that wait for their acknowledgement, and how they come back into another opening of the document. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { Unsent } from '../../src/documents/unsent';
import type { IUnsent } from '../../src/provider';
import { Relay } from '../support/relay';
import { notebook, sources, Tab, text } from '../support/tab';
import { until } from '../support/until';

describe('unsent changes', () => {
  const update = (word: string): Uint8Array => {
    const doc = new Y.Doc();
    doc.getText('source').insert(0, word);
    return Y.encodeStateAsUpdate(doc);
  };
  const read = (held: Unsent): string => {
    const doc = new Y.Doc();
    const all = held.collect();
    if (all) {
      Y.applyUpdate(doc, all);
    }
    return [...doc.getText('source').toJSON()].sort().join('');
  };

  it('go with their acknowledgement, each with its message', () => {
    const held = new Unsent();
    let emptied = 0;
    held.emptied.connect(() => (emptied += 1));
    held.note(update('a'));
    held.sent(1);
    held.note(update('b'));
    held.sent(2);
    held.acknowledge(1);
    expect(read(held)).toBe('b');
    expect(emptied).toBe(0);
    held.acknowledge(2);
    expect(held.isEmpty).toBe(true);
    expect(held.collect()).toBeNull();
    expect(emptied).toBe(1);
  });

  it('stay when the channel goes', () => {
    const held = new Unsent();
    held.note(update('a'));
    held.sent(7);
    held.note(update('b'));
    held.unsent();
    held.acknowledge(7);
    expect(read(held)).toBe('ab');
  });

  it('are as many as were made', () => {
    const held = new Unsent();
    for (let index = 0; index < 1000; index += 1) {
      held.note(update('x'));
    }
    expect(read(held)).toBe('x'.repeat(1000));
  });
});

describe('a document opened again', () => {
  let relay: Relay;
  const tabs: Tab[] = [];

  async function open(): Promise<Tab> {
    const tab = new Tab(relay);
    tabs.push(tab);
    await tab.provider.synced;
    return tab;
  }

  /** Let somebody type without a connection, and return what is left of it when the page is gone. */
  async function lost(type: (tab: Tab) => void): Promise<IUnsent> {
    const tab = await open();
    relay.isUp = false;
    relay.cut();
    await until(() => tab.provider.state === 'offline');
    type(tab);
    const unsent = tab.provider.unsent();
    tab.dispose();
    relay.isUp = true;
    return unsent!;
  }

  const restore = (tab: Tab, { lineage, update, base }: IUnsent): boolean =>
    tab.provider.restore(lineage, update, base);

  beforeEach(() => {
    relay = new Relay(notebook({ a: 'x = 1', b: 'y = 2' }));
  });

  afterEach(() => {
    tabs.splice(0).forEach(tab => tab.dispose());
  });

  it('has everything again, and sends it', async () => {
    const unsent = await lost(tab => {
      tab.type('a', ' + 1');
      tab.doc.getArray('cells').delete(1);
    });
    text(relay.doc, 'a').insert(0, 'theirs ');
    const again = await open();
    expect(restore(again, unsent)).toBe(true);
    await until(() => again.provider.unsent() === null);
    expect(sources(relay.doc)).toEqual({ a: 'theirs x = 1 + 1' });
  });

  it('has it once, in however many tabs and however often it is brought back', async () => {
    const unsent = await lost(tab => tab.type('a', ' + 1'));
    const one = await open();
    const two = await open();
    for (const tab of [one, two, one]) {
      expect(restore(tab, unsent)).toBe(true);
    }
    await until(() => one.provider.unsent() === null);
    await until(() => two.provider.unsent() === null);
    expect(sources(relay.doc).a).toBe('x = 1 + 1');
    expect(sources(one.doc).a).toBe('x = 1 + 1');
  });

  it('has it once where the server had it and only its word was lost', async () => {
    const tab = await open();
    relay.commits = false;
    tab.type('a', ' + 1');
    await until(() => sources(relay.doc).a === 'x = 1 + 1');
    const unsent = tab.provider.unsent()!;
    tab.dispose();
    relay.commits = true;
    text(relay.doc, 'a').insert(0, 'theirs ');
    const again = await open();
    expect(restore(again, unsent)).toBe(true);
    expect(sources(again.doc).a).toBe('theirs x = 1 + 1');
  });

  it('takes nothing of another lineage', async () => {
    const unsent = await lost(tab => tab.type('a', ' + 1'));
    relay.reseed(notebook({ a: 'x = 1' }), 'second');
    const again = await open();
    expect(restore(again, unsent)).toBe(false);
    expect(sources(again.doc).a).toBe('x = 1');
    expect(unsent.texts).toMatchObject([
      { before: 'x = 1', text: 'x = 1 + 1' }
    ]);
  });

  it('takes nothing that builds on what the server lost', async () => {
    const before = Y.encodeStateAsUpdate(relay.doc);
    text(relay.doc, 'a').insert(5, '00');
    const unsent = await lost(tab => tab.type('a', ' + 1'));
    relay.reseed(doc => Y.applyUpdate(doc, before), relay.lineage);
    const again = await open();
    expect(restore(again, unsent)).toBe(false);
    expect(sources(again.doc).a).toBe('x = 1');
  });

  it('takes nothing where this person may only read', async () => {
    const unsent = await lost(tab => tab.type('a', ' + 1'));
    relay.role = 'viewer';
    const again = await open();
    expect(restore(again, unsent)).toBe(false);
  });
});
