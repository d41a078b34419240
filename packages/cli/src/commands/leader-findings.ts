import { preflight } from '@millrace/capture-postgres';
import { createCodec, memorySchemaStore } from '@millrace/codec';
import { relationName } from '@millrace/model';
import { PgSession, readPublishedTables, readServer } from '@millrace/postgres';
import type { LoadedConfig } from '../config/load.js';
import { version } from '../version.js';
import { slotOf } from '../wiring/pipeline.js';
import { configuredTables } from '../wiring/source.js';
import type { Finding } from './finding.js';

/** What the leader still needs, and which columns the codec cannot carry exactly. Throws MR-2001, MR-2002, MR-2013. */
export async function leaderFindings(loaded: LoadedConfig): Promise<Finding[]> {
  const { leader } = loaded.config;
  const tables = leader.publication.create ? await configuredTables(loaded) : undefined;
  const found = await preflight({
    url: leader.url,
    slot: slotOf(loaded),
    publication: { ...leader.publication, ...(tables && { tables }) },
    ddlEvents: leader.ddl_events,
  });
  const findings = found.map(
    ({ severity, check, subject, message, fix }): Finding => ({
      where: subject === undefined ? 'leader' : `leader ${subject}`,
      severity,
      code: check,
      what: message,
      fix: fix ?? null,
    }),
  );
  return [...findings, ...(await inexactFindings(loaded))];
}

/** Promise 8: what would not come back exactly under the chosen preset is told beforehand. */
async function inexactFindings({ config }: LoadedConfig): Promise<Finding[]> {
  const codec = createCodec({
    ...config.codec,
    schemas: memorySchemaStore(),
    connectorName: config.pipeline,
    database: '',
    version,
  });
  const session = await PgSession.open(config.leader.url, { role: 'leader' });
  try {
    const server = await readServer(session);
    const published = await readPublishedTables(session, config.leader.publication.name, server.version);
    return published.flatMap(({ relation }) =>
      codec.inexactColumns(relation).map(
        ({ column, reason }): Finding => ({
          where: `leader ${relationName(relation)}`,
          severity: 'warning',
          code: 'MR-5002',
          what: `column ${column}: ${reason}`,
          fix: 'Use preset `lossless`, or leave the column out of the publication.',
        }),
      ),
    );
  } finally {
    await session.close();
  }
}
