import { expect, it } from 'vitest';
import { apiKeys, FrameAssembler } from './kafka-frames.js';
import { ConnectionLosses, Loss } from './kafka-loss.js';

function message(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function request(api: keyof typeof apiKeys, correlationId: number, text = ''): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt16BE(apiKeys[api], 0);
  head.writeInt32BE(correlationId, 4);
  return message(Buffer.concat([head, Buffer.from(text)]));
}

function response(correlationId: number, text = ''): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(correlationId);
  return message(Buffer.concat([head, Buffer.from(text)]));
}

it('messages come out whole and unchanged, wherever the stream is split', () => {
  const stream = Buffer.concat([
    request('produce', 1, 'abc'),
    request('metadata', 2),
    response(3, 'x'.repeat(300)),
  ]);
  for (let at = 0; at <= stream.length; at++) {
    const assembler = new FrameAssembler();
    const frames = [...assembler.take(stream.subarray(0, at)), ...assembler.take(stream.subarray(at))];
    expect(frames).toHaveLength(3);
    expect(Buffer.concat(frames).equals(stream)).toBe(true);
  }
});

it('a stream that is not framed as Kafka’s is refused, not waited for', () => {
  expect(() => new FrameAssembler().take(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(/a message of/);
});

it('loses the response of the n-th request of a kind, and ends the connection behind what came before', async () => {
  const loss = new Loss({ what: 'response', nth: 2 });
  const { toServer, toClient } = new ConnectionLosses(new Set([loss]));
  const sent = [request('produce', 1), request('metadata', 2), request('produce', 3), request('produce', 4)];
  expect(toServer(Buffer.concat(sent))).toEqual({ bytes: Buffer.concat(sent), cut: false });
  const answers = [response(1), response(2), response(3), response(4)];
  expect(toClient(Buffer.concat(answers))).toEqual({ bytes: Buffer.concat(answers.slice(0, 2)), cut: true });
  await loss.happened;
});

it('loses a request before the broker sees it, counting over all connections', () => {
  const losses = new Set([new Loss({ what: 'request', api: 'endTxn', nth: 2 })]);
  const [one, other] = [new ConnectionLosses(losses), new ConnectionLosses(losses)];
  expect(one.toServer(request('endTxn', 1)).cut).toBe(false);
  expect(other.toServer(request('endTxn', 1))).toEqual({ bytes: Buffer.alloc(0), cut: true });
  expect(one.toServer(request('endTxn', 2)).cut).toBe(false);
});

it('counts only requests that hold the given bytes', () => {
  const losses = new Set([new Loss({ what: 'request', holding: 'progress' })]);
  const { toServer } = new ConnectionLosses(losses);
  expect(toServer(request('produce', 1, 'topic events')).cut).toBe(false);
  expect(toServer(request('produce', 2, 'topic progress')).cut).toBe(true);
});

it('when the connection stays it goes on without the lost message', () => {
  const { toServer, toClient } = new ConnectionLosses(
    new Set([new Loss({ what: 'response', connection: 'stays' })]),
  );
  toServer(request('produce', 1));
  expect(toClient(Buffer.concat([response(1), response(2)]))).toEqual({ bytes: response(2), cut: false });
});
