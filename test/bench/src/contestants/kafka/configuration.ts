import { publication } from '../contestant.js';

export interface LaneConfiguration {
  readonly pipeline: string;
  readonly leaderUrl: string;
  readonly slot: string;
  readonly tables: readonly string[];
  readonly brokers: readonly string[];
}

/**
 * millrace.yaml of a lane. Format and types as Debezium writes them with JsonConverter, so that both publish the same bytes; all
 * else as it comes. A pipeline must name a follower; this one's applier is never started.
 */
export function configurationText(options: LaneConfiguration): string {
  const { pipeline, leaderUrl, slot, tables, brokers } = options;
  return `pipeline: ${pipeline}
leader:
  url: ${JSON.stringify(leaderUrl)}
  publication: { name: ${publication}, create: false }
  slot: ${slot}
  tables: ${JSON.stringify(tables)}
log: { kafka: { brokers: ${JSON.stringify(brokers)} } }
codec: { format: json, preset: debezium }
followers: { nobody: { duckdb: { path: ./nobody.duckdb } } }
`;
}
