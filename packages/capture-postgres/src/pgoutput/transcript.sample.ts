import {
  type Change,
  cellAbsent,
  cellNull,
  formatLsn,
  type Relation,
  type RowImage,
  rowOf,
} from '@millrace/model';
import { PgoutputDecoder } from './decoder.js';
import type { PgoutputHandler, RelationMessage } from './messages.js';

/** A payload with the LSN of its WAL record, as a server sent it. */
export interface CapturedMessage {
  readonly lsnHigh: number;
  readonly lsnLow: number;
  readonly bytes: Uint8Array;
}

/** `0/1B7CE50 <hex>` per line. */
export function parseCapture(text: string): CapturedMessage[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [lsn = '', hex = ''] = line.split(' ');
      const [high = '', low = ''] = lsn.split('/');
      return {
        lsnHigh: Number.parseInt(high, 16),
        lsnLow: Number.parseInt(low, 16),
        bytes: Buffer.from(hex, 'hex'),
      };
    });
}

/** A relation with the message's columns, for tests that have no catalogue. */
export function relationFrom(message: RelationMessage): Relation {
  return {
    id: message.id,
    schema: message.schema,
    name: message.name,
    identity: message.identity === 'f' ? 'full' : 'default',
    key: message.columns.flatMap((column, i) => (column.key ? [i] : [])),
    columns: message.columns.map((column, i) => ({
      attnum: i + 1,
      name: column.name,
      type: { oid: column.type, schema: 'x', name: 'x', kind: 'base', typmod: column.typmod, sql: 'x' },
      notNull: false,
      generated: false,
      missing: null,
    })),
  };
}

/** Writes down what a decoder delivers, without positions and object ids, which differ from server to server. */
export class Transcript implements PgoutputHandler {
  readonly lines: string[] = [];
  readonly decoder = new PgoutputDecoder(this);
  #commit = 0n;

  play(messages: readonly CapturedMessage[]): string {
    for (const { bytes, lsnHigh, lsnLow } of messages) {
      const wait = this.decoder.decode(bytes, 0, bytes.length, lsnHigh, lsnLow);
      if (wait) throw new Error('this handler never makes the decoder wait');
    }
    return `${this.lines.join('\n')}\n`;
  }

  begin(start: { commit: bigint }): void {
    this.#commit = start.commit;
    this.lines.push('begin');
  }

  commit(end: { end: bigint }): void {
    this.lines.push(end.end > this.#commit ? 'commit' : `commit ends at ${formatLsn(end.end as never)}`);
  }

  relation(message: RelationMessage): undefined {
    const columns = message.columns.map((column) => `${column.name}${column.key ? '*' : ''}`);
    this.lines.push(`relation ${message.schema}.${message.name} ${message.identity} (${columns.join(', ')})`);
    this.decoder.define(relationFrom(message));
  }

  message(message: {
    prefix: string;
    transactional: boolean;
    bytes: Uint8Array;
    start: number;
    end: number;
  }): undefined {
    const text = Buffer.from(message.bytes.subarray(message.start, message.end)).toString();
    this.lines.push(`message ${message.prefix} ${message.transactional ? 'inside' : 'outside'}: ${text}`);
  }

  change(change: Change): void {
    const before = change.before ? `${change.beforeIsFull ? ' old' : ' key'} ${cells(change.before)}` : '';
    const after = change.after ? ` new ${cells(change.after)}` : '';
    this.lines.push(`${change.op} ${change.relation.name}${before}${after}`);
  }
}

function cells(image: RowImage): string {
  const longest = 40;
  const shown = rowOf(image).map((cell, i) => {
    if (image.length[i] === cellNull) return 'null';
    if (image.length[i] === cellAbsent) return 'absent';
    const text = JSON.stringify(cell);
    return text.length > longest ? `${text.slice(0, longest)}… (${(cell as string).length})` : text;
  });
  return `[${shown.join(', ')}]`;
}
