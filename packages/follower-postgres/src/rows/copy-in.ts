import type { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { Row } from '@millrace/model';
import type { PgSession } from '@millrace/postgres';
import { from as copyFrom } from 'pg-copy-streams';
import { rowFault } from '../store/sessions.js';

const needsEscape = /[\\\t\n\r]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Rows in COPY's text format. */
export function copyText(rows: readonly Row[]): string {
  let text = '';
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      if (i > 0) text += '\t';
      const cell = row[i];
      if (cell == null) text += '\\N';
      else
        text += needsEscape.test(cell) ? cell.replace(/[\\\t\n\r]/g, (one) => escapes[one] as string) : cell;
    }
    text += '\n';
  }
  return text;
}

/** Runs `COPY … FROM STDIN` with these bytes. */
export async function copyIn(session: PgSession, doing: string, sql: string, rows: Buffer): Promise<void> {
  if (session.broken) throw session.broken;
  const stream = session.client.query(copyFrom(sql));
  const finished = once(stream, 'finish');
  stream.end(rows);
  try {
    await finished;
  } catch (error) {
    throw rowFault(error, doing);
  }
}
