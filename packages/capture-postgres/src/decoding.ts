/** The way from a walsender's payloads to a sink, without a server: for playing recorded streams. */
export { ShapeBook } from './schema/shape-book.js';
export { StreamDecoder, type StreamDecoderOptions } from './stream/stream-decoder.js';
