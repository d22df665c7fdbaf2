/** Sit the vectors that the Python suite sits too; section numbers are docs/protocol.md's. */

import { describe, expect, it } from 'vitest';
import { FrameError, FrameTooLarge } from '../../src/errors';
import * as auth from '../../src/protocol/auth';
import * as awareness from '../../src/protocol/awareness';
import { Reader, varbytes, varstring, varuint } from '../../src/protocol/codec';
import {
  CODES,
  isCloseCode,
  sentence,
  websocket
} from '../../src/protocol/codes';
import * as envelope from '../../src/protocol/envelope';
import * as event from '../../src/protocol/event';
import { KERNEL_TARGET } from '../../src/protocol/kernel';
import * as parts from '../../src/protocol/parts';
import { decode, FrameReader, FrameWriter } from '../../src/protocol/peer';
import * as queryAwareness from '../../src/protocol/query_awareness';
import * as request from '../../src/protocol/request';
import * as status from '../../src/protocol/status';
import * as sync from '../../src/protocol/sync';
import { choose } from '../../src/protocol/version';
import * as welcome from '../../src/protocol/welcome';
import { bytes, hex, type IInvalid, vectors } from '../support/vectors';

interface ICase<T> {
  hex: string;
  name?: string;
  value: T;
}

interface IFile<T> {
  valid: T[];
  invalid: IInvalid[];
}

/** Each malformed frame of a file must throw, whole and through a reader. */
function refuses(stem: string): void {
  const { invalid } = vectors<{ invalid: IInvalid[] }>(stem);
  it.each(invalid)(`refuses $name`, case_ => {
    expect(() => {
      const value = decode(bytes(case_.hex));
      // A state's JSON is looked at where states are.
      if (value.kind === 'awareness') {
        awareness.decodeStates(value.update);
      }
    }).toThrow(FrameError);
  });
}

describe('codec (1)', () => {
  interface ICodec {
    varuint: ICase<number>[];
    varstring: ICase<string>[];
    varbytes: ICase<string>[];
    invalid_varuint: IInvalid[];
    invalid_varstring: IInvalid[];
  }
  const file = vectors<ICodec>('codec');
  it.each(file.varuint)('varuint $value', case_ => {
    expect(hex(varuint(case_.value))).toBe(case_.hex);
    expect(new Reader(bytes(case_.hex)).varuint()).toBe(case_.value);
  });
  it.each(file.varstring)('varstring $value', case_ => {
    expect(hex(varstring(case_.value))).toBe(case_.hex);
    expect(new Reader(bytes(case_.hex)).varstring()).toBe(case_.value);
  });
  it.each(file.varbytes)('varbytes $value', case_ => {
    expect(hex(varbytes(bytes(case_.value)))).toBe(case_.hex);
    expect(hex(new Reader(bytes(case_.hex)).varbytes())).toBe(case_.value);
  });
  it.each(file.invalid_varuint)('refuses a varuint: $name', case_ => {
    expect(() => new Reader(bytes(case_.hex)).varuint()).toThrow(FrameError);
  });
  it.each(file.invalid_varstring)('refuses a varstring: $name', case_ => {
    expect(() => new Reader(bytes(case_.hex)).varstring()).toThrow(FrameError);
  });
  it('does not encode 2^53', () => {
    expect(() => varuint(2 ** 53)).toThrow(RangeError);
  });
});

describe('sync (3)', () => {
  type Value = { kind: 'step1' | 'step2' | 'update'; payload: string };
  interface ISync extends IFile<ICase<Value>> {
    state_vectors: { hex: string; clients: [number, number][] }[];
  }
  const file = vectors<ISync>('sync');
  it.each(file.valid)('$name', case_ => {
    const { kind, payload } = case_.value;
    expect(hex(sync[kind](bytes(payload)))).toBe(case_.hex);
    const found = decode(bytes(case_.hex));
    expect(found.kind).toBe(kind);
    const data =
      found.kind === 'step1'
        ? found.stateVector
        : (found as sync.IUpdate).update;
    expect(hex(data)).toBe(payload);
  });
  it.each(file.state_vectors)('state vector $hex', case_ => {
    expect([...sync.stateClients(bytes(case_.hex))].sort()).toEqual(
      [...case_.clients].sort()
    );
  });
  refuses('sync');
});

describe('awareness (3, 3.3)', () => {
  type State = { client: number; clock: number; state: unknown };
  const file = vectors<IFile<IInvalid & { states: State[] }>>('awareness');
  it.each(file.valid)('$name', case_ => {
    const frame = decode(bytes(case_.hex)) as awareness.IAwareness;
    const states = awareness.decodeStates(frame.update);
    expect(
      states.map(({ client, clock, json }) => ({
        client,
        clock,
        state: JSON.parse(json) as unknown
      }))
    ).toEqual(case_.states);
    expect(hex(awareness.encode(awareness.encodeStates(states)))).toBe(
      case_.hex
    );
  });
  refuses('awareness');
});

describe('auth (3)', () => {
  const file = vectors<IFile<IInvalid & { reason: string }>>('auth');
  it.each(file.valid)('$name', case_ => {
    expect(hex(auth.encode(case_.reason))).toBe(case_.hex);
    expect(decode(bytes(case_.hex))).toEqual({
      kind: 'denied',
      reason: case_.reason
    });
  });
  refuses('auth');
});

describe('query awareness (3)', () => {
  it.each(vectors<IFile<IInvalid>>('query_awareness').valid)('$name', case_ => {
    expect(hex(queryAwareness.encode())).toBe(case_.hex);
    expect(decode(bytes(case_.hex))).toEqual({ kind: 'query-awareness' });
  });
  refuses('query_awareness');
});

describe('status (3.2)', () => {
  const file = vectors<IFile<IInvalid & { seq: number }>>('status');
  it.each(file.valid)('$name', case_ => {
    expect(hex(status.encode(case_.seq))).toBe(case_.hex);
    expect(decode(bytes(case_.hex))).toEqual({
      kind: 'status',
      seq: case_.seq
    });
  });
  refuses('status');
});

describe('request (3.4)', () => {
  interface IRequests {
    requests: ICase<Omit<request.IRequest, 'kind'>>[];
    responses: ICase<Omit<request.IResponse, 'kind'>>[];
  }
  const file = vectors<IRequests>('request');
  it.each(file.requests)('request $name', ({ value, hex: expected }) => {
    const encoded = request.encodeRequest(value.id, value.method, value.params);
    expect(hex(encoded)).toBe(expected);
    expect(decode(bytes(expected))).toEqual({ kind: 'request', ...value });
  });
  it.each(file.responses)('response $name', ({ value, hex: expected }) => {
    const encoded = request.encodeResponse(value.id, value.ok, value.result);
    expect(hex(encoded)).toBe(expected);
    expect(decode(bytes(expected))).toEqual({ kind: 'response', ...value });
  });
  refuses('request');
});

describe('event (3.5)', () => {
  const file = vectors<IFile<ICase<Omit<event.IEvent, 'kind'>>>>('event');
  it.each(file.valid)('$name', ({ value, hex: expected }) => {
    expect(hex(event.encode(value.name, value.params))).toBe(expected);
    expect(decode(bytes(expected))).toEqual({ kind: 'event', ...value });
  });
  refuses('event');
});

describe('parts (4)', () => {
  interface IParts {
    split: {
      name: string;
      frame: string;
      limit: number;
      id: number;
      parts: string[];
    }[];
    out_of_order: { name: string; parts: string[] }[];
    too_large: { limit: number; parts: string[] };
  }
  const file = vectors<IParts>('parts');
  const assemble = (limit: number, pieces: string[]) => {
    const assembler = new parts.Assembler(limit);
    return pieces.map(piece =>
      assembler.receive(decode(bytes(piece)) as parts.IPart)
    );
  };
  it.each(file.split)('$name', case_ => {
    const found = parts.split(bytes(case_.frame), case_.limit, case_.id);
    expect(found.map(hex)).toEqual(case_.parts);
    if (found.length > 1) {
      const last = assemble(2 ** 28, case_.parts).at(-1);
      expect(last && hex(last)).toBe(case_.frame);
    }
  });
  it.each(file.out_of_order)('refuses $name', case_ => {
    expect(() => assemble(2 ** 28, case_.parts)).toThrow(FrameError);
  });
  it('refuses a whole over the limit', () => {
    const { limit, parts: pieces } = file.too_large;
    expect(() => assemble(limit, pieces)).toThrow(FrameTooLarge);
  });
  it('numbers the frames that it splits', () => {
    const writer = new FrameWriter(10);
    const reader = new FrameReader();
    const texts = ['short', 'much longer than ten bytes', 'and another one'];
    const frames = texts.map(text => auth.encode(text));
    const found = frames
      .flatMap(frame => writer.split(frame))
      .map(frame => reader.receive(frame))
      .filter(value => value !== null);
    expect(found).toEqual(texts.map(reason => ({ kind: 'denied', reason })));
  });
  refuses('parts');
});

describe('peer (3)', () => {
  const file = vectors<{ unknown: IInvalid[] }>('peer');
  it.each(file.unknown)('ignores $name', case_ => {
    expect(decode(bytes(case_.hex)).kind).toBe('unknown');
  });
  refuses('peer');
});

describe('codes (5)', () => {
  interface ICodes {
    codes: { code: string; websocket: number; sentence: string }[];
  }
  const { codes } = vectors<ICodes>('codes');
  it.each(codes)('$code', case_ => {
    const { code } = case_;
    if (!isCloseCode(code)) {
      throw new Error(`${code} is missing`);
    }
    expect(websocket(code)).toBe(case_.websocket);
    expect(sentence(code)).toBe(case_.sentence);
  });
  it('has no others', () => {
    expect(Object.keys(CODES).sort()).toEqual(
      codes.map(({ code }) => code).sort()
    );
  });
});

describe('envelope (2)', () => {
  interface IEnvelope {
    name: string;
    hex: string;
    msg_type: string;
    content: Record<string, unknown>;
    buffers: string[];
  }
  const file = vectors<IFile<IEnvelope>>('envelope');
  it.each(file.valid)('$name', case_ => {
    const message = envelope.unpack(bytes(case_.hex));
    expect(message.msgType).toBe(case_.msg_type);
    expect(message.content).toEqual(case_.content);
    expect(message.buffers.map(hex)).toEqual(case_.buffers);
    const again = envelope.unpack(envelope.pack(message));
    expect(again).toEqual(message);
  });
  it.each(file.invalid)('refuses $name', case_ => {
    expect(() => envelope.unpack(bytes(case_.hex))).toThrow(FrameError);
  });
});

describe('welcome (2)', () => {
  type Case = { name?: string; value: Record<string, unknown> };
  const file = vectors<{ valid: Case[]; invalid: Case[] }>('welcome');
  it.each(file.valid)('reads release $value.release', ({ value }) => {
    expect(value).toMatchObject(welcome.fromJson(value));
  });
  it.each(file.invalid)('refuses $name', ({ value }) => {
    expect(() => welcome.fromJson(value)).toThrow(FrameError);
  });
});

describe('version (9)', () => {
  type Case = { theirs: number[]; chosen: number | null };
  it.each(vectors<{ choose: Case[] }>('version').choose)(
    '$theirs',
    ({ theirs, chosen }) => {
      expect(choose(theirs)).toBe(chosen);
    }
  );
});

describe('kernel', () => {
  it('has the name of the comm that a kernel opens', () => {
    expect(KERNEL_TARGET).toBe(
      vectors<{ comm_target: string }>('kernel').comm_target
    );
  });
});
