/** Jupyter comm messages in the layout `v1.kernel.websocket.jupyter.org` (section 2). */

import { FrameError } from '../errors';
import { concat, fromUtf8, isObject, parseObject, utf8 } from './codec';

export const SUBPROTOCOL = 'v1.kernel.websocket.jupyter.org';
export const TARGET = 'rtc_widgets.document';

const TYPES = ['comm_open', 'comm_msg', 'comm_close'] as const;
/** channel, header, parent_header, metadata, content */
const PARTS = 5;
const WORD = 8;

/** The three types of comm messages. */
export type MessageType = (typeof TYPES)[number];

/** Hold one comm message: its type, its content and its binary buffers. */
export interface IMessage {
  readonly msgType: MessageType;
  readonly content: Readonly<Record<string, unknown>> & {
    readonly comm_id: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
  readonly buffers: readonly Uint8Array[];
}

/** Return the message that opens a document. */
export function open(
  commId: string,
  data: Record<string, unknown>,
  frames: readonly Uint8Array[] = []
): IMessage {
  return {
    msgType: 'comm_open',
    content: { comm_id: commId, target_name: TARGET, data },
    buffers: frames
  };
}

/** Return a message that carries frames of a document. */
export function comm(
  commId: string,
  frames: readonly Uint8Array[],
  data: Record<string, unknown> = {}
): IMessage {
  return {
    msgType: 'comm_msg',
    content: { comm_id: commId, data },
    buffers: frames
  };
}

/** Return the message that closes a document. */
export function close(commId: string, code: string, reason: string): IMessage {
  return {
    msgType: 'comm_close',
    content: { comm_id: commId, data: { code, reason } },
    buffers: []
  };
}

/** Encode a message; its header holds nothing but the type. */
export function pack(message: IMessage, channel = 'shell'): Uint8Array {
  const parts = [
    utf8(channel),
    utf8(JSON.stringify({ msg_type: message.msgType })),
    utf8('{}'),
    utf8('{}'),
    utf8(JSON.stringify(message.content)),
    ...message.buffers
  ];
  const head = new Uint8Array(WORD * (parts.length + 2));
  const view = new DataView(head.buffer);
  const word = (index: number, value: number) =>
    view.setBigUint64(WORD * index, BigInt(value), true);
  word(0, parts.length + 1);
  let offset = head.length;
  word(1, offset);
  parts.forEach((part, index) => {
    offset += part.length;
    word(index + 2, offset);
  });
  return concat([head, ...parts]);
}

/** Decode a WebSocket message; what is no envelope of a comm message throws `FrameError`. */
export function unpack(data: Uint8Array): IMessage {
  const parts = slice(data);
  const header = parseObject(fromUtf8(parts[1]!));
  const content = parseObject(fromUtf8(parts[4]!));
  const msgType = TYPES.find(type => type === header.msg_type);
  if (!msgType) {
    throw new FrameError(
      `A message of type ${String(header.msg_type)} is none of ${TYPES.join(', ')}.`
    );
  }
  if (typeof content.comm_id !== 'string') {
    throw new FrameError('The message has no comm_id.');
  }
  if (content.data !== undefined && !isObject(content.data)) {
    throw new FrameError("The message's data is not an object.");
  }
  return {
    msgType,
    content: content as IMessage['content'],
    buffers: parts.slice(PARTS)
  };
}

function slice(data: Uint8Array): Uint8Array[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const word = (index: number) => Number(view.getBigUint64(WORD * index, true));
  if (data.length < WORD) {
    throw new FrameError('The message is shorter than its own header.');
  }
  const count = word(0);
  if (count < PARTS + 1 || count > data.length / WORD) {
    throw new FrameError(`A message with ${count} offsets is no envelope.`);
  }
  if (data.length < WORD * (count + 1)) {
    throw new FrameError('The message ends inside its offsets.');
  }
  const offsets = Array.from({ length: count }, (_, index) => word(index + 1));
  if (offsets[0] !== WORD * (count + 1) || offsets.at(-1) !== data.length) {
    throw new FrameError('The offsets do not span the message.');
  }
  return offsets.slice(1).map((stop, index) => {
    const start = offsets[index]!;
    if (start > stop) {
      throw new FrameError('The offsets of the message do not ascend.');
    }
    return data.subarray(start, stop);
  });
}
