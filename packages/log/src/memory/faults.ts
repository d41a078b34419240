/**
 * What a simulation does to a memory log: a wrapper's script, asked at each request. Not an option of any production log.
 */
export interface MemoryLogFaults {
  /** Before any request takes effect. A promise stalls it until it resolves. */
  before?(operation: MemoryOperation): Promise<void> | undefined;
  /** What becomes of one append request to one partition. */
  append?(request: AppendRequest): AppendFate;
}

export type MemoryOperation = 'append' | 'read' | 'watermarks' | 'topics' | 'table' | 'trim';

export interface AppendRequest {
  readonly topic: string;
  readonly partition: number;
  /** Records in the request; 1 for the progress partition. */
  readonly count: number;
}

export interface AppendFate {
  /** Applied at all, the first time. Default true. */
  readonly applied?: boolean;
  /** Milliseconds until it is applied the first time. */
  readonly delay_ms?: number;
  /** Applied again after so many milliseconds, whether or not its sender still lives: repeated or late requests. */
  readonly again_ms?: readonly number[];
  /** The response does not arrive: the sender learns MR-3013. Otherwise an unapplied request is refused with MR-3008. */
  readonly lost?: boolean;
  /** Milliseconds until the response arrives. */
  readonly response_ms?: number;
  /** Offsets left out before the records, as transaction markers leave them. */
  readonly hole?: number;
}
