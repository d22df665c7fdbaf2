/** Decode the corpus of the fuzzers (tests/corpus) as Python does: the same is accepted, and means the same. */

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { FrameError } from '../../src/errors';
import { decodeStates } from '../../src/protocol/awareness';
import { unpack } from '../../src/protocol/envelope';
import { decode } from '../../src/protocol/peer';
import { hex } from '../support/vectors';

const CORPUS = fileURLToPath(
  new URL('../../../tests/corpus/', import.meta.url)
);
const DECODED = JSON.parse(
  readFileSync(`${CORPUS}decoded.json`, 'utf8')
) as Record<string, unknown>;

const FIELDS: Record<string, string[]> = {
  step1: ['stateVector'],
  step2: ['update'],
  update: ['update'],
  denied: ['reason'],
  'query-awareness': [],
  status: ['seq'],
  request: ['id', 'method', 'params'],
  response: ['id', 'ok'],
  event: ['name', 'params'],
  part: ['id', 'index', 'count', 'piece'],
  unknown: ['type']
};

/** Bytes in hexadecimal, and of JSON only how much it is: numbers are not the same in both languages. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return hex(value);
  }
  return typeof value === 'object' && value !== null
    ? Object.keys(value).length
    : value;
}

function frame(data: Uint8Array): unknown {
  const value = decode(data);
  if (value.kind === 'awareness') {
    const states = decodeStates(value.update);
    return ['awareness', ...states.map(one => [one.client, one.clock])];
  }
  const fields = value as unknown as Record<string, unknown>;
  return [value.kind, ...FIELDS[value.kind]!.map(name => plain(fields[name]))];
}

function message(data: Uint8Array): unknown {
  const value = unpack(data);
  return [value.msgType, value.content.comm_id, ...value.buffers.map(hex)];
}

function summary(target: string, data: Uint8Array): unknown {
  try {
    return target === 'frame' ? frame(data) : message(data);
  } catch (error) {
    if (error instanceof FrameError) {
      return 'refused';
    }
    throw error;
  }
}

it('has every file of the corpus', () => {
  const files = ['frame', 'message'].flatMap(target =>
    readdirSync(CORPUS + target).map(name => `${target}/${name}`)
  );
  expect(files.sort()).toEqual(Object.keys(DECODED).sort());
});

it.each(Object.entries(DECODED))('decodes %s', (file, expected) => {
  const data = Uint8Array.from(readFileSync(CORPUS + file));
  expect(summary(file.split('/')[0]!, data)).toEqual(expected);
});
