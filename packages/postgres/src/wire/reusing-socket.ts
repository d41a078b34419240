import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** Read at a time, at most. */
const read_bytes = 128 * 1024;

/** Missing in the constructor's type, though documented for it as for `connect`. */
type ReadingOptions = SocketConstructorOpts & { readonly onread: OnReadOpts };

/**
 * A socket that reads into one buffer over and over: nothing is allocated per read, and `pause` stops reading at once, where
 * others read on until their stream is full. Until somebody takes its reads they come as `data` events like those of any
 * socket, in buffers of their own: `pg`'s parser keeps what it gets.
 */
export class ReusingSocket extends Socket {
  #taker: ((chunk: Buffer) => void) | undefined;

  constructor() {
    let self: ReusingSocket | undefined;
    const options: ReadingOptions = {
      onread: {
        buffer: new Uint8Array(read_bytes),
        callback(size, { buffer, byteOffset }) {
          if (self) self.#deliver(Buffer.from(buffer, byteOffset, size));
          return true;
        },
      },
    };
    super(options);
    self = this;
  }

  /** Reads go to `taker`, each valid during the call and while the socket is paused. Undefined: they are events again. */
  readInto(taker: ((chunk: Buffer) => void) | undefined): void {
    this.#taker = taker;
  }

  #deliver(chunk: Buffer): void {
    if (this.#taker) this.#taker(chunk);
    else this.emit('data', Buffer.from(chunk));
  }
}
