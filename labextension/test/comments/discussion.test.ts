import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { Backoff } from '../../src/channels/backoff';
import { Connection } from '../../src/channels/connection';
import { Discussion, personOf } from '../../src/comments/discussion';
import { type IWhose, keptAt } from '../../src/comments/kept';
import { ThreadDocument } from '../../src/comments/thread_document';
import { Provider } from '../../src/provider';
import { Annotator } from '../support/annotator';
import { Relay } from '../support/relay';
import { FakeStorage } from '../support/storage';
import { notebook, Tab } from '../support/tab';
import { until } from '../support/until';

const CELL = { cell: 'a' };

let relay: Relay;
let beside: Relay;
let annotator: Annotator;
let kept: FakeStorage;
const opened: { dispose(): void }[] = [];

/** A tab with the threads of its document. */
function whose(who: string): IWhose {
  return { who, room: 'r', at: 'notebook:a.ipynb' };
}

class Reader {
  constructor(user = 'ada') {
    this.tab = new Tab(relay);
    const connection = new Connection({
      connect: beside.connect,
      refusal: () => Promise.resolve(null),
      backoff: new Backoff(1, 4)
    });
    const awareness = new Awareness(this.doc);
    awareness.setLocalState(null);
    this.replica = new Provider({
      doc: this.doc,
      awareness,
      connection,
      type: 'annotations',
      isReplica: true,
      join: beside.join,
      backoff: new Backoff(1, 4)
    });
    this.discussion = new Discussion({
      source: new ThreadDocument(this.doc),
      replica: this.replica,
      content: this.tab.provider,
      kept: keptAt(kept, () => whose(user)),
      me: () => personOf({ username: user, display_name: 'Ada' })
    });
    this.discussion.restore();
    this.discussion.arrived.connect((_, { comment }) =>
      this.news.push(comment.body)
    );
    opened.push(this);
    this.dispose = () => {
      this.discussion.dispose();
      this.replica.dispose();
      connection.dispose();
      awareness.destroy();
      this.tab.dispose();
    };
  }

  get said(): string[][] {
    return this.discussion.threads.map(({ comments }) =>
      comments.map(({ body, isPending }) => body + (isPending ? ' …' : ''))
    );
  }

  async ready(): Promise<this> {
    await Promise.all([this.tab.provider.synced, this.replica.synced]);
    return this;
  }

  readonly doc = new Y.Doc();
  readonly tab: Tab;
  readonly replica: Provider;
  readonly discussion: Discussion;
  readonly news: string[] = [];
  readonly dispose: () => void;
}

function opens(user?: string): Promise<Reader> {
  return new Reader(user).ready();
}

beforeEach(() => {
  relay = new Relay(notebook({ a: 'x = 1' }));
  beside = new Relay(() => undefined, 'r');
  annotator = new Annotator(beside.doc);
  relay.carryOut = annotator.carryOut;
  kept = new FakeStorage();
});

afterEach(() => opened.splice(0).forEach(one => one.dispose()));

describe('a request', () => {
  it('shows at once, and is confirmed by the document', async () => {
    const ada = await opens();
    const id = ada.discussion.begin(CELL, 'Why?', []);
    ada.discussion.reply(id, 'Because.', []);
    expect(ada.said).toEqual([['Why? …', 'Because. …']]);
    expect(ada.discussion.thread(id)).toMatchObject({
      anchor: CELL,
      number: 0
    });
    await until(() => ada.said[0]?.[1] === 'Because.');
    expect(ada.discussion.thread(id)?.number).toBe(1);
    expect(annotator.asked.map(([method]) => method)).toEqual([
      'comments.add',
      'comments.add'
    ]);
    expect(kept.length).toBe(0);
  });

  it('is asked again with the same ids after its answer was lost, and done once', async () => {
    const ada = await opens();
    relay.losesAnswers = true;
    const id = ada.discussion.begin(CELL, 'Once?', []);
    await until(() => annotator.asked.length === 1);
    relay.losesAnswers = false;
    relay.cut();
    await until(() => annotator.asked.length === 2 && kept.length === 0);
    expect(annotator.asked[0]).toEqual(annotator.asked[1]);
    expect(ada.discussion.thread(id)?.comments).toHaveLength(1);
  });

  it('waits while there is no connection', async () => {
    const ada = await opens();
    relay.isUp = false;
    relay.cut();
    await until(() => ada.tab.provider.state === 'offline');
    ada.discussion.begin(CELL, 'Later.', []);
    expect(ada.said).toEqual([['Later. …']]);
    relay.isUp = true;
    await until(() => ada.said[0]?.[0] === 'Later.');
    expect(annotator.asked).toHaveLength(1);
  });

  it('that is refused keeps its text and says why, until it is asked again or given up', async () => {
    const ada = await opens();
    annotator.refuses = 'Not there any more.';
    const id = ada.discussion.begin(CELL, 'Kept.', []);
    const refused = () => ada.discussion.thread(id)?.refused ?? [];
    await until(() => refused().length === 1);
    expect(refused()[0]).toMatchObject({
      refused: 'Not there any more.',
      params: { body: 'Kept.' }
    });
    expect(ada.said).toEqual([[]]);
    annotator.refuses = null;
    ada.discussion.again(refused()[0]!.id);
    await until(() => ada.said[0]?.[0] === 'Kept.');
    annotator.refuses = 'No.';
    ada.discussion.resolve(id);
    expect(ada.discussion.thread(id)?.state).toBe('resolved');
    await until(() => refused().length === 1);
    expect(ada.discussion.thread(id)?.state).toBe('open');
    ada.discussion.discard(refused()[0]!.id);
    expect(refused()).toEqual([]);
    expect(kept.length).toBe(0);
  });

  it('outlives the page', async () => {
    const before = new Reader();
    relay.isUp = false;
    const id = before.discussion.begin(CELL, 'Typed in the train.', []);
    before.discussion.reply(id, 'So was this.', []);
    before.dispose();
    const [first, second] = keptAt(kept, () => whose('ada')).load();
    expect(first!.at).toBeLessThan(second!.at);
    relay.isUp = true;
    const after = await opens();
    await until(() => after.said[0]?.[1] === 'So was this.');
    expect(annotator.asked).toHaveLength(2);
  });

  it('that was done while the page was left is done once, by the next page of the same person only', async () => {
    const before = await opens();
    relay.losesAnswers = true;
    const id = before.discussion.begin(CELL, 'Once?', []);
    before.discussion.reply(id, 'Twice?', []);
    await until(() => annotator.asked.length === 2);
    before.dispose();
    relay.losesAnswers = false;
    const eve = await opens('eve');
    const after = await opens();
    await until(() => annotator.asked.length === 4 && kept.length === 0);
    expect(annotator.asked.slice(2)).toEqual(annotator.asked.slice(0, 2));
    expect(after.said).toEqual([['Once?', 'Twice?']]);
    expect(eve.said).toEqual(after.said);
  });

  it('that is refused is told of, and can be asked in other words with the same ids', async () => {
    const ada = await opens();
    const told: string[] = [];
    ada.discussion.refused.connect((_, { refused }) =>
      told.push(refused ?? '')
    );
    annotator.refuses = 'Too long.';
    const id = ada.discussion.begin(CELL, 'Too many words', []);
    await until(() => told.length === 1);
    const [asked] = ada.discussion.thread(id)!.refused;
    annotator.refuses = null;
    ada.discussion.reword(asked!.id, 'Few', []);
    await until(() => ada.said[0]?.[0] === 'Few');
    expect(told).toEqual(['Too long.']);
    expect(ada.discussion.thread(id)).toMatchObject({
      refused: [],
      comments: [{ id: asked!.params.comment, body: 'Few' }]
    });
    await until(() => kept.length === 0);
  });

  it('keeps a reply to a thread that was deleted while it was written, once', async () => {
    const ada = await opens();
    const id = ada.discussion.begin(CELL, 'Why?', []);
    await until(() => ada.said[0]?.[0] === 'Why?');
    ada.discussion.delete(id);
    await until(() => ada.discussion.deleted(id) !== null && kept.length === 0);
    expect(ada.discussion.thread(id)).toBeNull();
    ada.discussion.salvage(id, 'Because', 'Ben');
    ada.discussion.salvage(id, 'Because', 'Ben');
    expect(ada.discussion.thread(id)?.refused).toMatchObject([
      { params: { body: 'Because' } }
    ]);
    expect(kept.length).toBe(1);
  });

  it('that was refused keeps its text over the page', async () => {
    const before = await opens();
    annotator.refuses = 'Not there any more.';
    const id = before.discussion.begin(CELL, 'Kept.', []);
    const refused = (reader: Reader) =>
      reader.discussion.thread(id)?.refused.map(one => one.params.body);
    await until(() => refused(before)?.length === 1);
    before.dispose();
    const after = await opens();
    expect(refused(after)).toEqual(['Kept.']);
    expect(annotator.asked).toHaveLength(1);
  });

  it('of two tabs of one browser is done once', async () => {
    relay.isUp = false;
    const one = new Reader();
    one.discussion.begin(CELL, 'In both.', []);
    const two = new Reader();
    expect(two.said).toEqual([['In both. …']]);
    relay.isUp = true;
    await until(() =>
      [one, two].every(({ said }) => said[0]?.[0] === 'In both.')
    );
    await until(() => kept.length === 0);
    expect(one.said).toEqual([['In both.']]);
  });
});

describe('edits, deletions and states', () => {
  it('show at once', async () => {
    const ada = await opens();
    const id = ada.discussion.begin(CELL, 'One', []);
    await until(() => ada.said[0]?.[0] === 'One');
    const { comments } = ada.discussion.thread(id)!;
    ada.discussion.edit(id, comments[0]!.id, 'Two', []);
    expect(ada.said).toEqual([['Two …']]);
    await until(() => ada.said[0]?.[0] === 'Two');
    ada.discussion.reply(id, 'Done.', [], true);
    expect(ada.discussion.thread(id)?.state).toBe('resolved');
    ada.discussion.delete(id);
    expect(ada.discussion.threads).toEqual([]);
    await until(() => kept.length === 0);
    expect(ada.discussion.threads).toEqual([]);
  });
});

describe('what others write', () => {
  it('is told, but not what was there before, nor what this person wrote', async () => {
    annotator.add('ben', 't', 'c', 'Old.');
    const ada = await opens();
    expect(ada.said).toEqual([['Old.']]);
    annotator.add('ada', 't', 'd', 'My own, elsewhere.');
    annotator.add('ben', 't', 'e', 'New.');
    await until(() => ada.said[0]?.length === 3);
    expect(ada.news).toEqual(['New.']);
    expect(ada.discussion.threads[0]).toBe(ada.discussion.thread('t'));
  });
});

describe('rights', () => {
  it('of a commenter are those of who wrote it; a viewer has none', async () => {
    annotator.add('ben', 't', 'c', "Ben's.");
    annotator.add('ada', 'u', 'd', "Ada's.");
    relay.role = 'commenter';
    const ada = (await opens()).discussion;
    const [bens, adas] = ada.threads;
    expect([
      ada.mayComment,
      ada.mayManage(bens!),
      ada.mayManage(adas!)
    ]).toEqual([true, false, true]);
    expect(ada.mayDelete(bens!.comments[0]!)).toBe(false);
    relay.role = 'viewer';
    const eve = (await opens('eve')).discussion;
    expect([eve.mayComment, eve.mayManage(adas!)]).toEqual([false, false]);
  });
});

describe('the replica', () => {
  it('never sends what is written into it', async () => {
    const ada = await opens();
    const { length } = beside.messages;
    ada.doc.getMap('threads').set('forged', new Y.Map());
    beside.cut();
    await until(() => ada.replica.state === 'offline');
    await until(() => ada.replica.state === 'synced');
    annotator.add('ben', 't', 'c', 'Here.');
    await until(() => ada.said.flat().includes('Here.'));
    expect(beside.doc.getMap('threads').has('forged')).toBe(false);
    // Only the opening: what it lacks, and nobody in it.
    expect(beside.messages.length).toBe(length + 1);
  });
});
