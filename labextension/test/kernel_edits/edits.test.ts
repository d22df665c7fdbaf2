/** The kernel's edits are told from people's, and taken back once, whoever does it. */

import { nullTranslator } from '@jupyterlab/translation';
import * as Y from 'yjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Step } from '../../src/documents/step';
import { KernelEdits } from '../../src/kernel_edits/edits';
import { sentenceOf } from '../../src/kernel_edits/words';
import type { ILiveDocument } from '../../src/tokens';
import { Relay } from '../support/relay';
import { notebook, sources, Tab, text } from '../support/tab';
import { until } from '../support/until';

let relay: Relay;
let tabs: Tab[];
let kernel: Tab;
let ben: Tab;

async function open(name: string): Promise<Tab> {
  const tab = new Tab(relay, name);
  tabs.push(tab);
  await tab.provider.synced;
  return tab;
}

function editsOf({ doc, awareness, provider }: Tab): KernelEdits {
  const model = { ydoc: doc, awareness } as never;
  const live: ILiveDocument = {
    model,
    provider,
    discussion: null as never,
    halfWritten: null as never,
    type: 'notebook',
    path: ''
  };
  return KernelEdits.of(live);
}

async function converged(): Promise<void> {
  await until(() =>
    tabs.every(
      tab =>
        !tab.provider.hasUnsaved &&
        JSON.stringify(sources(tab.doc)) === JSON.stringify(sources(relay.doc))
    )
  );
}

/** Wait until these see the kernel. */
async function seen(...by: Tab[]): Promise<void> {
  const sees = ({ awareness }: Tab) =>
    [...awareness.getStates().values()].some(({ kind }) => kind === 'kernel');
  await until(() => by.every(sees));
}

const edited = (step: Step | null) => step?.summary.edited;

beforeEach(async () => {
  relay = new Relay(notebook({ a: 'x = 1', b: 'y = 2' }));
  tabs = [];
  kernel = await open('kernel');
  kernel.awareness.setLocalStateField('kind', 'kernel');
  kernel.type('a', ' before');
  ben = await open('ben');
});

afterEach(() => {
  tabs.forEach(tab => tab.dispose());
});

it('tells the kernel from people, and what was there from what is new', async () => {
  const ada = await open('ada');
  const edits = editsOf(ada);
  await seen(ada);
  expect(edits.done).toBe(null);
  ben.type('a', ' by Ben');
  ada.type('a', ' by Ada');
  await converged();
  expect(edits.done).toBe(null);
  kernel.type('b', '00');
  await converged();
  expect(edited(edits.done)).toEqual(['b']);
  edits.undo();
  await until(() => edits.undone !== null);
  await converged();
  expect(sources(relay.doc).b).toBe('y = 2');
});

it('takes back once what two take back at once', async () => {
  const ada = await open('ada');
  const both = [editsOf(ada), editsOf(ben)];
  await seen(ada, ben);
  kernel.doc.transact(() => {
    text(kernel.doc, 'b').delete(4, 1);
    text(kernel.doc, 'b').insert(4, '17');
  });
  await converged();
  both.forEach(edits => edits.undo());
  both.forEach(edits => edits.undo());
  await until(() => both.every(({ done }) => done === null));
  await converged();
  expect(sources(ada.doc).b).toBe('y = 2');
  expect(both.filter(({ undone }) => undone !== null)).toHaveLength(1);
  // What comes after that is another matter.
  kernel.type('b', '3');
  await converged();
  expect(both.map(({ done }) => edited(done))).toEqual([['b'], ['b']]);
});

it('takes nothing back without a connection, nor what may have been taken back meanwhile', async () => {
  const ada = await open('ada');
  const edits = editsOf(ada);
  await seen(ada);
  const away = async () => {
    relay.isUp = false;
    relay.cut();
    await until(() => tabs.every(tab => tab.provider.state === 'offline'));
  };
  kernel.type('b', '00');
  await converged();
  await away();
  expect(edits.mayUndo).toBe(false);
  edits.undo();
  relay.isUp = true;
  await converged();
  expect(sources(relay.doc).b).toBe('y = 200');
  expect(edited(edits.done)).toEqual(['b']);
  // Nobody did anything, so it is still there to be taken back.
  await away();
  ben.type('a', ' by Ben');
  relay.isUp = true;
  await converged();
  await until(() => edits.done === null);
});

it('takes back in one tab what all were told', async () => {
  const ada = await open('ada');
  const [one, two] = [editsOf(ada), editsOf(ben)];
  await seen(ada, ben);
  kernel.doc.transact(() => {
    text(kernel.doc, 'b').delete(4, 1);
    text(kernel.doc, 'b').insert(4, '17');
  });
  await converged();
  expect([edited(one.done), edited(two.done)]).toEqual([['b'], ['b']]);
  one.undo();
  await until(() => one.done === null && two.done === null);
  two.undo();
  await converged();
  expect(sources(relay.doc).b).toBe('y = 2');
  one.redo();
  await converged();
  expect(sources(relay.doc).b).toBe('y = 17');
  expect(one.undone).toBe(null);
  one.undo();
  await until(() => one.done === null);
  await converged();
  expect(sources(relay.doc).b).toBe('y = 2');
});

it('knows a kernel that edits before it says that it is one', async () => {
  const ada = await open('ada');
  const edits = editsOf(ada);
  const late = new Tab(relay);
  tabs.push(late);
  late.awareness.setLocalState(null);
  await late.provider.synced;
  late.type('b', '00');
  await converged();
  expect(edits.done).toBe(null);
  late.awareness.setLocalState({ kind: 'kernel' });
  await until(() => edits.done !== null);
  expect(edited(edits.done)).toEqual(['b']);
  edits.undo();
  await until(() => edits.done === null);
  await converged();
  expect(sources(relay.doc).b).toBe('y = 2');
});

it("tells of the notebook's own metadata, and takes them back", async () => {
  const ada = await open('ada');
  const edits = editsOf(ada);
  await seen(ada);
  const meta = ({ doc }: Tab) => doc.getMap('meta');
  const metadata = (tab: Tab) => meta(tab).toJSON()['metadata'] as unknown;
  ben.doc.transact(() => {
    const map = new Y.Map<unknown>();
    meta(ben).set('metadata', map);
    map.set('title', 'old');
    map.set('id', 'mine');
  });
  await until(() => metadata(kernel) !== undefined);
  await converged();
  expect(edits.done).toBe(null);
  const shared = meta(kernel).get('metadata') as Y.Map<unknown>;
  kernel.doc.transact(() => {
    shared.set('title', 'new');
    shared.set('source', 'kernel');
    meta(kernel).set('nbformat_minor', 4);
  });
  await until(() => edits.done !== null);
  const { summary } = edits.done!;
  expect(summary).toMatchObject({ metadata: true, edited: [] });
  const theirs = meta(ben).get('metadata') as Y.Map<unknown>;
  theirs.set('by', 'Ben');
  edits.undo();
  await until(() => edits.done === null);
  const all = { title: 'old', id: 'mine', by: 'Ben' };
  await until(() => !('source' in (metadata(ben) as object)));
  expect(metadata(ben)).toEqual(all);
  expect(meta(ada).get('nbformat_minor')).toBe(4);
  edits.redo();
  await until(() => 'source' in (metadata(ben) as object));
  expect(metadata(ben)).toEqual({ ...all, title: 'new', source: 'kernel' });
});

it('says what happened', () => {
  const trans = nullTranslator.load('rtc_widgets');
  const none = {
    added: [],
    removed: [],
    moved: [],
    edited: [],
    metadata: false
  };
  const say = (some: object) => sentenceOf({ ...none, ...some }, trans);
  expect(say({ added: ['a'] })).toBe('The kernel added 1 cell');
  expect(say({ removed: ['a', 'b'] })).toBe('The kernel deleted 2 cells');
  expect(say({ moved: ['a'] })).toBe('The kernel moved 1 cell');
  expect(say({ added: ['a'], edited: ['b'] })).toBe(
    'The kernel changed 2 cells'
  );
  const metadata = true;
  expect(say({ metadata })).toBe("The kernel changed the notebook's metadata");
  expect(say({ metadata, added: ['a'] })).toBe(
    "The kernel changed 1 cell and the notebook's metadata"
  );
  expect(say({ edited: [''] })).toBe('The kernel changed this file');
});
