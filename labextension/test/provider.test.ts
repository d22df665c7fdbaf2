/** Tabs and a relay, as conversations. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import { Backoff } from '../src/channels/backoff';
import { ChannelClosed, NotConnected, RequestFailed } from '../src/errors';
import {
  CODES,
  type CloseCode,
  isTransient,
  sentence
} from '../src/protocol/codes';
import * as envelope from '../src/protocol/envelope';
import { decode } from '../src/protocol/peer';
import { Relay } from './support/relay';
import { notebook, sources, Tab, text } from './support/tab';
import { until } from './support/until';

let relay: Relay;
let tabs: Tab[];

beforeEach(() => {
  relay = new Relay(notebook({ a: 'x = 1', b: 'y = 2' }));
  tabs = [];
});

afterEach(() => {
  tabs.forEach(tab => tab.dispose());
});

function open(name = ''): Tab {
  const tab = new Tab(relay, name);
  tabs.push(tab);
  return tab;
}

async function synced(name = ''): Promise<Tab> {
  const tab = open(name);
  await tab.provider.synced;
  return tab;
}

async function converged(): Promise<void> {
  const expected = () => JSON.stringify(sources(relay.doc));
  await until(
    () =>
      tabs.every(
        tab =>
          !tab.provider.hasUnsaved &&
          JSON.stringify(sources(tab.doc)) === expected()
      ),
    'every tab has what the relay has'
  );
}

describe('handshake (3.1)', () => {
  it('brings the content, once', async () => {
    const one = await synced();
    expect(sources(one.doc)).toEqual({ a: 'x = 1', b: 'y = 2' });
    expect(one.provider.state).toBe('synced');
    expect(one.provider.role).toBe('editor');
  });

  it('rejects with the sentence where the relay refuses', async () => {
    relay.refusals.push(new ChannelClosed('unreadable', 'It is damaged.'));
    const tab = open();
    await expect(tab.provider.synced).rejects.toThrow('It is damaged.');
    expect(tab.closed?.code).toBe('unreadable');
  });

  it('waits for a server that is away', async () => {
    relay.refusals.push(new NotConnected('away'), new NotConnected('away'));
    const tab = open();
    await tab.provider.synced;
    expect(relay.refusals).toEqual([]);
  });

  it('waits for a proxy that lets no WebSocket through yet', async () => {
    relay.isUp = false;
    const tab = open();
    await new Promise(resolve => setTimeout(resolve, 10));
    relay.isUp = true;
    await tab.provider.synced;
  });

  it('asks for a new ticket where the old one expired', async () => {
    const tab = await synced();
    relay.close('unauthorized');
    await until(() => relay.joins === 2 && tab.provider.state === 'synced');
  });

  it('opens two documents on one socket', async () => {
    const tab = await synced();
    expect(relay.sockets.size).toBe(1);
    await tab.connection.ready();
    expect(relay.sockets.size).toBe(1);
  });
});

describe('reconnecting on request', () => {
  it('opens a channel now instead of after the pause', async () => {
    const patient = new Tab(relay, '', new Backoff(600_000, 600_000));
    tabs.push(patient);
    await patient.provider.synced;
    relay.isUp = false;
    relay.cut();
    await until(() => patient.provider.state === 'offline');
    patient.type('a', ' + 1');
    expect(patient.provider.pending.count).toBe(1);
    expect(patient.provider.unsaved().map(({ text }) => text)).toEqual([
      'x = 1 + 1'
    ]);
    relay.isUp = true;
    patient.provider.reconnect();
    await until(() => patient.provider.state === 'synced');
    await until(() => patient.provider.pending.count === 0);
    expect(sources(relay.doc).a).toBe('x = 1 + 1');
  });

  it('gives up a connection that nobody answers on', async () => {
    const tab = await synced();
    const [socket] = relay.sockets;
    tab.provider.reconnect();
    expect(tab.provider.state).toBe('offline');
    await until(() => tab.provider.state === 'synced');
    expect(relay.sockets.has(socket!)).toBe(false);
    expect(relay.sockets.size).toBe(1);
  });
});

describe('editing', () => {
  it('converges', async () => {
    const one = await synced();
    const two = await synced();
    one.type('a', ' + 1');
    two.type('a', '# ', 0);
    two.type('b', '0');
    await converged();
    expect(sources(relay.doc)).toEqual({ a: '# x = 1 + 1', b: 'y = 20' });
  });

  it('sends what one turn of the event loop writes as one frame', async () => {
    const one = await synced();
    await converged();
    const before = relay.messages.length;
    for (const letter of 'typed') {
      one.type('a', letter);
    }
    await converged();
    expect(relay.messages.length - before).toBe(1);
    expect(sources(relay.doc).a).toBe('x = 1typed');
  });

  it('numbers its messages from 1', async () => {
    const one = await synced();
    one.type('a', '1');
    await converged();
    one.type('a', '2');
    await converged();
    const numbers = relay.messages
      .map(data => envelope.unpack(data))
      .filter(({ msgType }) => msgType === 'comm_msg')
      .map(({ content }) => content.data?.seq);
    expect(numbers).toEqual([...numbers.keys()].map(index => index + 1));
  });

  it('signs what others wrote, so that undo leaves it alone', async () => {
    const one = await synced();
    const two = await synced();
    const undo = new Y.UndoManager(text(one.doc, 'a'));
    one.type('a', ' mine');
    two.type('a', 'theirs ', 0);
    await converged();
    undo.undo();
    expect(sources(one.doc).a).toBe('theirs x = 1');
  });

  it('sends nothing of a viewer', async () => {
    relay.role = 'viewer';
    const one = await synced();
    one.type('a', ' mine');
    relay.doc.transact(() => text(relay.doc, 'b').insert(0, 'theirs '));
    await until(() => sources(one.doc).b === 'theirs y = 2');
    expect(sources(relay.doc).a).toBe('x = 1');
    expect(one.closed).toBeNull();
    expect(one.provider.mayWrite).toBe(false);
  });

  it('starts anew when a viewer whose replica strayed becomes an editor', async () => {
    relay.role = 'viewer';
    const one = await synced();
    one.type('a', ' mine');
    relay.role = 'editor';
    relay.event('role', { role: 'editor' });
    await until(() => one.closed !== null);
    expect(one.closed?.code).toBe('lineage-mismatch');
    expect(one.closed?.unsaved).toEqual([]);
    expect(sources(relay.doc).a).toBe('x = 1');
  });

  it('goes on when a viewer becomes an editor', async () => {
    relay.role = 'viewer';
    const one = await synced();
    relay.role = 'editor';
    relay.event('role', { role: 'editor' });
    await until(() => one.provider.role === 'editor');
    await until(() => one.provider.state === 'synced');
    one.type('a', ' now');
    await converged();
    expect(sources(relay.doc).a).toBe('x = 1 now');
  });
});

describe('parts (4)', () => {
  it('carries more than 1 MiB both ways', async () => {
    const one = await synced();
    const two = await synced();
    const long = 'é'.repeat(1_500_000);
    one.type('a', long);
    await converged();
    expect(sources(two.doc).a).toBe(`x = 1${long}`);
    const three = await synced();
    expect(sources(three.doc).a).toBe(`x = 1${long}`);
    const kinds = relay.messages
      .map(data => envelope.unpack(data))
      .flatMap(({ buffers }) => buffers.map(frame => decode(frame).kind));
    expect(kinds.filter(kind => kind === 'part')).toHaveLength(3);
    expect(
      Math.max(...relay.messages.map(({ length }) => length))
    ).toBeLessThan(2 ** 20 + 1000);
  });

  it('closes as too large what is over the limit on a whole', async () => {
    relay.limits = { ...relay.limits, frame: 50, message: 100 };
    text(relay.doc, 'a').insert(0, 'x'.repeat(200));
    const tab = open();
    await expect(tab.provider.synced).rejects.toThrow(sentence('too-large'));
  });
});

describe('status (3.2) and reconnecting', () => {
  it('keeps what is not acknowledged and sends it again', async () => {
    const one = await synced();
    const two = await synced();
    relay.commits = false;
    one.type('a', ' sent');
    await until(() => sources(two.doc).a === 'x = 1 sent');
    expect(one.provider.hasUnsaved).toBe(true);
    // The relay crashes before its commit: it comes back with what its log holds.
    const { lineage } = relay;
    const logged = new Relay(notebook({ a: 'x = 1', b: 'y = 2' }));
    two.dispose();
    tabs = [one];
    const seed = Y.encodeStateAsUpdate(one.doc);
    expect(seed.length).toBeGreaterThan(0);
    relay.cut();
    relay.reseed(
      doc => Y.applyUpdate(doc, Y.encodeStateAsUpdate(logged.doc)),
      lineage
    );
    relay.commits = true;
    await until(() => !one.provider.hasUnsaved);
  });

  it('merges what was typed without connection', async () => {
    const one = await synced();
    const two = await synced();
    relay.isUp = false;
    relay.cut();
    await until(() => one.provider.state === 'offline');
    one.type('a', ' offline');
    two.type('b', ' too');
    expect(one.provider.hasUnsaved).toBe(true);
    relay.isUp = true;
    await converged();
    expect(sources(relay.doc)).toEqual({
      a: 'x = 1 offline',
      b: 'y = 2 too'
    });
  });

  it('comes back after going-away', async () => {
    const one = await synced();
    relay.close('going-away');
    one.type('a', ' kept');
    await converged();
    expect(sources(relay.doc).a).toBe('x = 1 kept');
    expect(one.provider.state).toBe('synced');
  });

  it('tries at once when the network is back', async () => {
    const one = await synced();
    relay.isUp = false;
    relay.cut();
    await until(() => one.provider.state === 'offline');
    relay.isUp = true;
    one.connection.reconnect();
    await until(() => one.provider.state === 'synced');
  });

  it('survives many cuts while two people type', async () => {
    const one = await synced();
    const two = await synced();
    for (let round = 0; round < 30; round += 1) {
      one.type('a', 'o');
      two.type('b', 't');
      if (round % 3 === 0) {
        relay.cut();
      }
      await new Promise(resolve => setTimeout(resolve, round % 4));
    }
    await converged();
    expect(sources(relay.doc)).toEqual({
      a: `x = 1${'o'.repeat(30)}`,
      b: `y = 2${'t'.repeat(30)}`
    });
  });
});

describe('lineage (7)', () => {
  const again = (changed: Record<string, string> = {}) => {
    const file = { a: 'x = 1', b: 'y = 2', ...changed };
    relay.reseed(notebook(file), 'second');
    relay.cut();
  };

  it('ends with what was not acknowledged, and nothing twice', async () => {
    const one = await synced();
    one.type('b', '0');
    await converged();
    relay.commits = false;
    one.type('a', ' lost?');
    await until(() => sources(relay.doc).a === 'x = 1 lost?');
    again();
    await until(() => one.closed !== null);
    expect(one.closed?.code).toBe('lineage-mismatch');
    expect(one.closed?.unsaved).toEqual([
      {
        id: 'a',
        before: 'x = 1',
        text: 'x = 1 lost?',
        cellType: 'code',
        index: 0
      }
    ]);
    expect(sources(relay.doc)).toEqual({ a: 'x = 1', b: 'y = 2' });
  });

  it('keeps a cell that the relay never saw', async () => {
    const one = await synced();
    relay.isUp = false;
    relay.cut();
    await until(() => one.provider.state === 'offline');
    notebook({ c: 'z = 3' })(one.doc);
    one.type('c', '0');
    relay.isUp = true;
    again();
    await until(() => one.closed !== null);
    expect(one.closed?.unsaved).toEqual([
      { id: 'c', before: null, text: 'z = 30', cellType: 'code', index: 2 }
    ]);
  });

  it('never merges into a document that it has not been told of', async () => {
    const one = await synced();
    one.type('a', '!');
    await converged();
    again();
    await until(() => one.closed !== null);
    expect(one.closed?.unsaved).toEqual([]);
    expect(sources(relay.doc)).toEqual({ a: 'x = 1', b: 'y = 2' });
  });
});

describe('close codes (5)', () => {
  const final = (Object.keys(CODES) as CloseCode[]).filter(
    code =>
      !isTransient(code) &&
      !['normal', 'unauthorized', 'no-access'].includes(code)
  );
  const transient = (Object.keys(CODES) as CloseCode[]).filter(isTransient);

  it.each(transient)('after %s the document is opened again', async code => {
    const one = await synced();
    relay.commits = false;
    one.type('a', ' typed');
    await until(() => sources(relay.doc).a === 'x = 1 typed');
    relay.close(code);
    await until(() => one.provider.state !== 'synced');
    relay.commits = true;
    await converged();
    expect(one.closed).toBeNull();
    expect(sources(relay.doc).a).toBe('x = 1 typed');
  });

  it.each(final)('%s ends the document and keeps the text', async code => {
    const one = await synced();
    relay.commits = false;
    one.type('a', ' typed');
    await until(() => sources(relay.doc).a === 'x = 1 typed');
    relay.close(code);
    await until(() => one.closed !== null);
    expect(one.closed?.code).toBe(code);
    expect(one.closed?.reason).toBe(sentence(code));
    expect(one.closed?.unsaved.map(item => item.text)).toEqual(['x = 1 typed']);
    expect(one.provider.mayWrite).toBe(false);
    await expect(one.provider.save()).rejects.toThrow(sentence(code));
  });

  it('takes a code of a later release for a bug of the server', async () => {
    const one = await synced();
    relay.close('later' as CloseCode, 'Later.');
    await until(() => one.closed?.code === 'internal-error');
  });

  it('gives up where the right is gone, though the person is signed in', async () => {
    const one = await synced();
    relay.refusals = [new ChannelClosed('unauthorized', 'Ask Ada.')];
    relay.cut();
    await until(() => one.closed !== null);
    expect(one.closed?.reason).toBe('Ask Ada.');
  });

  it('waits for a person who has to sign in again', async () => {
    const one = await synced();
    relay.knowsMe = false;
    relay.cut();
    await until(() => one.connection.status.state === 'signed-out');
    one.type('a', ' typed');
    expect(one.provider.state).toBe('offline');
    relay.knowsMe = true;
    await converged();
    expect(one.connection.status.state).toBe('connected');
    expect(sources(relay.doc).a).toBe('x = 1 typed');
  });

  it('waits for a person who may not open it any more, with what they typed', async () => {
    const one = await synced();
    const told: boolean[] = [];
    one.provider.stateChanged.connect(() => told.push(one.provider.isBarred));
    relay.isUp = false;
    relay.cut();
    one.type('a', ' typed');
    relay.isOpen = false;
    relay.isUp = true;
    await until(() => one.provider.isBarred);
    expect(one.provider.state).toBe('offline');
    expect(one.connection.status.state).toBe('connected');
    expect(one.provider.unsaved().map(({ text }) => text)).toEqual([
      'x = 1 typed'
    ]);
    relay.isOpen = true;
    await converged();
    expect(one.provider.isBarred).toBe(false);
    expect(told).toContain(true);
    expect(told.at(-1)).toBe(false);
    expect(sources(relay.doc).a).toBe('x = 1 typed');
  });

  it('ends at once where there is nothing here yet that could wait', async () => {
    relay.isOpen = false;
    const one = open();
    await until(() => one.closed !== null);
    expect(one.closed?.code).toBe('no-access');
  });

  it('gives back what was typed offline by somebody who may only read since', async () => {
    const one = await synced();
    relay.isUp = false;
    relay.cut();
    one.type('a', ' typed');
    relay.role = 'viewer';
    relay.isUp = true;
    await until(() => one.closed !== null);
    expect(one.closed?.code).toBe('read-only');
    expect(one.closed?.unsaved.map(({ text }) => text)).toEqual([
      'x = 1 typed'
    ]);
    expect(one.closed?.unsent).not.toBeNull();
    expect(sources(relay.doc).a).toBe('x = 1');
  });

  it('waits for them also where only a request is refused', async () => {
    const one = await synced();
    relay.letsIn = false;
    relay.cut();
    await until(() => one.connection.status.state === 'signed-out');
    one.type('a', ' typed');
    expect(one.closed).toBeNull();
    relay.letsIn = true;
    await converged();
    expect(one.connection.status.state).toBe('connected');
  });
});

describe('requests (3.4)', () => {
  it('saves what was typed before', async () => {
    const one = await synced();
    one.type('a', ' saved');
    await one.provider.save();
    expect(relay.saves.at(-1)).toContain('x = 1 saved');
  });

  it('saves after a reconnect what was typed before it', async () => {
    const one = await synced();
    relay.isUp = false;
    relay.cut();
    await until(() => one.provider.state === 'offline');
    one.type('a', ' saved');
    const saved = one.provider.save();
    relay.isUp = true;
    await saved;
    expect(relay.saves.at(-1)).toContain('x = 1 saved');
  });

  it('rejects with the sentence', async () => {
    const one = await synced();
    relay.saveFails = { code: 'read-only', reason: 'Disk is full.' };
    await expect(one.provider.save()).rejects.toThrow(
      new RequestFailed('read-only', 'Disk is full.')
    );
  });

  it('rejects when the connection breaks', async () => {
    const one = await synced();
    const saved = one.provider.request('save');
    relay.isUp = false;
    relay.cut();
    await expect(saved).rejects.toThrow(NotConnected);
  });

  it('rejects when no answer comes', async () => {
    relay.isUp = false;
    const one = open();
    await expect(one.provider.request('save', {}, 5)).rejects.toThrow(
      NotConnected
    );
  });

  it('knows an unknown method', async () => {
    const one = await synced();
    await expect(one.provider.request('dance')).rejects.toThrow(RequestFailed);
  });
});

describe('events (3.5)', () => {
  it('hears them', async () => {
    const one = await synced();
    relay.event('renamed', { path: 'b.ipynb' });
    relay.event('later', {});
    await until(() => one.events.length === 2);
    expect(one.events[0]).toMatchObject({
      name: 'renamed',
      params: { path: 'b.ipynb' }
    });
  });
});

describe('awareness (3.3)', () => {
  it('shows who is here and forgets who left', async () => {
    const ada = await synced('ada');
    const bob = await synced('bob');
    await until(() => ada.names.length === 2);
    expect(ada.names).toEqual(['ada', 'bob']);
    await until(() => bob.names.length === 2);
    bob.provider.leave();
    await until(() => ada.names.length === 1);
  });

  it('forgets who closed the document', async () => {
    const ada = await synced('ada');
    const bob = await synced('bob');
    await until(() => ada.names.length === 2);
    bob.provider.dispose();
    await until(() => ada.names.length === 1);
  });

  it('shows everybody again after a reconnect', async () => {
    const ada = await synced('ada');
    await synced('bob');
    await until(() => ada.names.length === 2);
    relay.cut();
    await until(() => ada.names.length === 1);
    await until(() => tabs.every(tab => tab.names.length === 2));
  });

  it('sends the newest cursor, not each one', async () => {
    const ada = await synced('ada');
    const bob = await synced('bob');
    await until(() => bob.names.length === 2);
    const before = relay.messages.length;
    for (let at = 0; at < 100; at += 1) {
      ada.awareness.setLocalStateField('at', at);
    }
    const seen = (): unknown =>
      bob.awareness.getStates().get(ada.doc.clientID)?.at;
    await until(() => seen() === 99);
    expect(relay.messages.length - before).toBeLessThan(3);
  });
});

describe('connection (2)', () => {
  it('closes what does not parse, and comes back', async () => {
    const one = await synced();
    const [socket] = relay.sockets;
    socket!.onmessage?.({ data: Uint8Array.of(1, 2, 3).buffer } as never);
    await until(() => !relay.sockets.has(socket!));
    await until(() => one.provider.state === 'synced');
  });

  it('closes a document whose frame does not parse, and only that', async () => {
    const one = await synced();
    const [peer] = relay.peers;
    peer!.socket.deliver(envelope.comm('r.content', [Uint8Array.of(0, 9)]));
    await until(() => one.closed?.code === 'bad-frame');
    expect(one.connection.isOpen).toBe(true);
    await until(() => relay.peers.length === 0);
  });

  it('ignores messages for documents that are not open', async () => {
    const one = await synced();
    const [peer] = relay.peers;
    peer!.socket.deliver(envelope.comm('other', [Uint8Array.of(0, 9)]));
    one.type('a', '!');
    await converged();
  });

  it('ignores what was meant for an earlier opening', async () => {
    const one = await synced();
    one.provider.dispose();
    const again = new Tab(relay);
    tabs.push(again);
    await again.provider.synced;
    expect(sources(again.doc)).toEqual({ a: 'x = 1', b: 'y = 2' });
  });
});
