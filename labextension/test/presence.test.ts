/** Presence: states go out at intervals, and who is quiet is still here. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { Presence } from '../src/presence';

describe('presence', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('keeps who is quiet until the relay says that they left', () => {
    const theirs = new Awareness(new Y.Doc());
    theirs.setLocalState({ user: { name: 'Kernel' } });
    const told = encodeAwarenessUpdate(theirs, [theirs.clientID]);
    const awareness = new Awareness(new Y.Doc());
    const presence = new Presence(awareness, () => undefined);
    presence.receive(told);
    vi.advanceTimersByTime(10 * 60_000);
    expect(awareness.getStates().has(theirs.clientID)).toBe(true);
    theirs.setLocalState(null);
    presence.receive(encodeAwarenessUpdate(theirs, [theirs.clientID]));
    expect(awareness.getStates().has(theirs.clientID)).toBe(false);
    presence.dispose();
  });

  it('sends the newest state of a burst, not each', () => {
    const frames: Uint8Array[] = [];
    const awareness = new Awareness(new Y.Doc());
    const presence = new Presence(awareness, frame => frames.push(frame));
    for (let i = 0; i < 200; i += 1) {
      awareness.setLocalStateField('cursors', [i]);
      vi.advanceTimersByTime(5);
    }
    expect(frames.length).toBeLessThanOrEqual(21);
    vi.advanceTimersByTime(100);
    expect(new TextDecoder().decode(frames.at(-1))).toContain('[199]');
    presence.dispose();
  });
});
