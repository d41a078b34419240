import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Accepted, accepted } from './accepted.js';
import { type Outcome, prefix, runBoth } from './both.js';
import type { DebeziumRecord } from './debezium-tap.js';
import { avroSchemasOf, compareRecords, type Difference } from './difference.js';
import type { ExactValue, TopicRecord } from './exact.js';
import { readJsonRecord } from './exact-json.js';
import { debeziumProgramOrReason } from './java-program.js';
import { columnWorkload } from './workload/columns.js';
import { refusedTopic, refusedValues, refusedWorkload } from './workload/refused.js';
import { oddlyNamed, shapeWorkloads } from './workload/shapes.js';
import { sparedWorkload } from './workload/spared.js';
import { typeWorkloads } from './workload/types.js';
import { joined } from './workload/workload.js';

const limit_ms = 300_000;
const shown_max = 40;
const page = readFileSync(new URL('../../../docs/debezium.md', import.meta.url), 'utf8');

const program = await debeziumProgramOrReason();

/** Topics of tables without a primary key: Debezium writes tombstones even there, ours none. */
const withoutTombstones: ReadonlySet<string> = new Set([
  `${prefix}.public.keyless`,
  `${prefix}.public.only_unique`,
]);

const messageTopic = `${prefix}.message`;

/** Logical messages (ours, about schema changes and windows) have a topic of their own at Debezium, and none here. */
const isCompared = ({ topic, value }: TopicRecord): boolean =>
  topic !== messageTopic && !(value === null && withoutTombstones.has(topic));

const isOddlyNamed = ({ topic }: TopicRecord): boolean => topic.startsWith(`${prefix}.my_schema.`);

const shown = ({ topic, op, path, debezium, millrace }: Difference): string =>
  `${topic} ${op} ${path}: Debezium ${JSON.stringify(debezium)?.slice(0, 200)}, Millrace ${JSON.stringify(millrace)?.slice(0, 200)}`;

/** What no accepted difference covers, for people. */
const unexplained = (differences: readonly Difference[]): string[] =>
  differences
    .filter((difference) => !accepted.some(({ covers }) => covers(difference)))
    .slice(0, shown_max)
    .map(shown);

const occurs = ({ covers }: Accepted, differences: readonly Difference[]): boolean =>
  differences.some(covers);

describe.skipIf(typeof program === 'string')(
  typeof program === 'string'
    ? `Debezium’s own connector (left out: ${program})`
    : 'Debezium’s own connector',
  () => {
    let outcome: Outcome;
    let debeziumInAvro: DebeziumRecord[];
    let inAvro: Difference[];
    let inJson: Difference[];

    beforeAll(async () => {
      if (typeof program === 'string') return;
      const workload = joined([...typeWorkloads, ...shapeWorkloads, sparedWorkload, columnWorkload]);
      outcome = await runBoth(program, { workload, adjusted: oddlyNamed, alone: refusedWorkload });
      const { debezium, adjusted, avro, json } = outcome;
      const compared: DebeziumRecord[] = debezium.filter(isCompared);
      debeziumInAvro = [
        ...compared.filter((record) => !isOddlyNamed(record)),
        ...adjusted.filter(isOddlyNamed),
      ];
      inAvro = compareRecords(debeziumInAvro, avro);
      inJson = compareRecords(
        compared.map((record) => readJsonRecord(record.json)),
        json.map(readJsonRecord),
      );
    }, limit_ms);

    it('publishes what we publish as Avro: topics, keys, values, schemas, tombstones and their order', () => {
      expect(unexplained(inAvro)).toEqual([]);
      expect(outcome.avro.length).toBeGreaterThan(900);
    });

    it.each(['key', 'value'] as const)('has AvroData make the schema texts that we register: %s', (side) => {
      const differing = new Set(
        inAvro.filter(({ path }) => path.startsWith(`${side}Schema`)).map(({ topic }) => topic),
      );
      const theirs = avroSchemasOf(debeziumInAvro, side);
      const ours = avroSchemasOf(outcome.avro, side);
      const same = [...ours.keys()].filter((topic) => !differing.has(topic));
      expect(same.length).toBeGreaterThan(side === 'key' ? 50 : 40);
      for (const topic of same)
        expect([...(ours.get(topic) ?? [])], topic).toEqual([...(theirs.get(topic) ?? [])]);
    });

    it('publishes what we publish as JSON', () => {
      expect(unexplained(inJson)).toEqual([]);
      expect(outcome.json.length).toBe(outcome.avro.length);
    });

    it('writes something else for the values that we refuse', () => {
      const written = refusedValues.map((_, index) => {
        const record = outcome.alone.find(({ topic }) => topic === refusedTopic(prefix, index));
        return (record?.value as { after?: { v?: ExactValue } } | undefined)?.after?.v;
      });
      refusedValues.forEach(({ type, value, debezium }, index) => {
        const what = `${type} ${value}`;
        if (debezium instanceof RegExp) expect(JSON.stringify(written[index]), what).toMatch(debezium);
        else expect(written[index], what).toEqual(debezium);
      });
    });

    it('publishes our own logical messages, too, unless it is told to leave them out', () => {
      const isMessage = ({ topic }: TopicRecord): boolean => topic === messageTopic;
      expect(outcome.debezium.some(isMessage)).toBe(true);
      expect(outcome.adjusted.some(isMessage)).toBe(false);
    });

    it('differs where docs/debezium.md says it does, each time for the reason given there', () => {
      for (const difference of accepted) {
        expect(page, `docs/debezium.md explains “${difference.name}”`).toContain(`| ${difference.name} |`);
        expect(occurs(difference, [...inAvro, ...inJson]), `“${difference.name}” still occurs`).toBe(true);
      }
    });
  },
);
