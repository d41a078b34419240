/** An ErrorResponse as an error; has the fields by which `serverFault` knows a server's error. */
export class ServerError extends Error {
  readonly severity: string;
  /** SQLSTATE. */
  readonly code: string;

  constructor(severity: string, code: string, message: string) {
    super(message);
    this.name = 'ServerError';
    this.severity = severity;
    this.code = code;
  }
}

/**
 * Parses the body of an ErrorResponse: (field type u8, text NUL)*, ended by a NUL. Unknown fields are skipped; DETAIL
 * is left out on purpose, because it can hold row values. Source: PostgreSQL documentation 54.8.
 */
export function parseErrorResponse(bytes: Uint8Array, start: number, end: number): ServerError {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<string, string>();
  for (let at = start; at < end && buffer[at] !== 0; ) {
    const terminator = buffer.indexOf(0, at + 1);
    const stop = terminator === -1 || terminator > end ? end : terminator;
    fields.set(String.fromCharCode(buffer[at] as number), buffer.toString('utf8', at + 1, stop));
    at = stop + 1;
  }
  return new ServerError(
    fields.get('V') ?? fields.get('S') ?? 'ERROR',
    fields.get('C') ?? 'XX000',
    fields.get('M') ?? 'the server reported an error without a message',
  );
}
