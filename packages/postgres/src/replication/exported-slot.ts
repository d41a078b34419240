import { type Lsn, parseLsn } from '@millrace/model';
import { Fault } from '@millrace/runtime';
import pg from 'pg';
import { serverFault, sqlStateOf } from '../connection/server-fault.js';
import { clientConfig, endClient, overTlsWays } from '../connection/session.js';
import { parsePostgresUrl } from '../connection/target.js';
import { quoteIdentifier } from '../quote.js';

/** A slot just made, and the snapshot of the database at its consistent point. */
export interface ExportedSlot {
  readonly consistentPoint: Lsn;
  /** For SET TRANSACTION SNAPSHOT, until `close`. */
  readonly snapshotName: string;
  /** Why the connection broke, and the snapshot with it. */
  readonly broken: Fault | undefined;
  /** Ends the snapshot; the slot stays. Idempotent. */
  close(): Promise<void>;
}

export interface ExportSlotOptions {
  readonly url: string;
  readonly slot: string;
  readonly applicationName?: string;
  /** Gives up waiting for the transactions that run when the slot is made. */
  readonly signal: AbortSignal;
}

/**
 * CREATE_REPLICATION_SLOT … EXPORT_SNAPSHOT. The snapshot dies at the next command of the connection that made it, so this
 * connection stays idle until `close`. The server waits for all running transactions to end first. Throws MR-2004 when
 * a slot of that name was made meanwhile, MR-2003 when wal_level or the number of slots forbids it.
 */
export async function createExportedSlot(options: ExportSlotOptions): Promise<ExportedSlot> {
  const { slot, signal } = options;
  const target = parsePostgresUrl(options.url);
  const doing = `creating slot ${slot}`;
  try {
    return await overTlsWays(target, async (tls) => {
      const client = new pg.Client({
        ...clientConfig(target, tls, {
          role: 'leader',
          ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
        }),
        replication: 'database',
      } as pg.ClientConfig);
      let broken: Fault | undefined;
      client.on('error', (error) => {
        broken ??= serverFault('leader', error, 'holding the exported snapshot');
      });
      const abort = (): void => void endClient(client);
      signal.addEventListener('abort', abort, { once: true });
      try {
        await client.connect();
        const { rows } = await client.query<Record<string, string>>(
          `CREATE_REPLICATION_SLOT ${quoteIdentifier(slot)} LOGICAL pgoutput EXPORT_SNAPSHOT`,
        );
        const row = rows[0];
        if (!row?.snapshot_name || !row.consistent_point)
          throw new Fault('MR-2011', { detail: `the server made slot ${slot} without a snapshot` });
        return {
          consistentPoint: parseLsn(row.consistent_point),
          snapshotName: row.snapshot_name,
          get broken() {
            return broken;
          },
          close: () => endClient(client),
        };
      } catch (error) {
        await endClient(client);
        throw error;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    });
  } catch (error) {
    if (sqlStateOf(error) === '42710')
      throw new Fault('MR-2004', {
        detail: `slot ${slot} was made by somebody else meanwhile`,
        cause: error,
      });
    throw serverFault('leader', error, doing, { slot });
  }
}
