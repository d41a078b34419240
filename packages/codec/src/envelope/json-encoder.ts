import { type Change, type Relation, type RowImage, relationName } from '@millrace/model';
import { assert, type ByteWriter } from '@millrace/runtime';
import type { EncodingContext, EnvelopeOp, EventEncoder } from '../port.js';
import { int64Text } from '../wire/int64.js';
import { jsonWriter } from '../wire/json-writer.js';
import { RowWriter } from './row-writer.js';
import { ContextMemory, hasNoLsn, type SourceConstants, sequenceStart, timesOf } from './source-facts.js';
import type { TablePlan } from './table-plan.js';

export const jsonMarks = {
  before: Buffer.from('{"before":'),
  after: Buffer.from(',"after":'),
  source: Buffer.from(',"source":{'),
  transaction: Buffer.from('},"transaction":null,"op":"'),
  times: Buffer.from('","ts_ms":'),
};

/** PostgreSQL text bytes to the payload that Connect's JsonConverter writes with schemas.enable=false. */
export class JsonEncoder implements EventEncoder {
  readonly keyed: boolean;
  readonly #relation: Relation;
  readonly #constants: SourceConstants;
  readonly #key: RowWriter;
  readonly #row: RowWriter;
  readonly #memory = new ContextMemory();
  /** Source block up to the LSN in its sequence, between the two LSNs, and after them; then the envelope's times. */
  #beforeSequence = Buffer.alloc(0);
  #beforeLsn = Buffer.alloc(0);
  #afterLsn = Buffer.alloc(0);
  #times = Buffer.alloc(0);

  constructor(plan: TablePlan, constants: SourceConstants) {
    this.keyed = plan.key.length > 0;
    this.#relation = plan.relation;
    this.#constants = constants;
    this.#key = new RowWriter(plan, plan.key, jsonWriter);
    this.#row = new RowWriter(plan, plan.fields, jsonWriter);
  }

  key(image: RowImage, out: ByteWriter): void {
    assert(this.keyed, `events of ${relationName(this.#relation)} have no key`);
    this.#key.write(image, 'full', out);
  }

  value(op: EnvelopeOp, change: Change, context: EncodingContext, out: ByteWriter): void {
    if (this.#memory.changed(context)) this.#prepare(context);
    const before = op === 'd' || op === 'u' ? change.before : undefined;
    const after = op === 'd' || op === 't' ? undefined : change.after;
    assert(op === 't' || (op === 'd' ? before : after) !== undefined, `event ${op} lacks its row`);
    out.bytes(jsonMarks.before);
    this.#optionalRow(before, change.beforeIsFull ? 'full' : 'key', out);
    out.bytes(jsonMarks.after);
    this.#optionalRow(after, 'full', out);
    this.#source(change, context, out);
    out.bytes(jsonMarks.transaction);
    out.u8(op.charCodeAt(0));
    out.bytes(this.#times);
  }

  #optionalRow(image: RowImage | undefined, extent: 'full' | 'key', out: ByteWriter): void {
    if (image === undefined) jsonWriter.none(out);
    else this.#row.write(image, extent, out);
  }

  #source(change: Change, context: EncodingContext, out: ByteWriter): void {
    const lsn = int64Text(change.lsnHigh | 0, change.lsnLow >>> 0);
    const none = hasNoLsn(context);
    out.bytes(jsonMarks.source);
    out.bytes(this.#beforeSequence);
    out.utf8(none ? 'null' : `\\"${lsn}\\"`);
    out.bytes(this.#beforeLsn);
    out.utf8(none ? 'null' : lsn);
    out.bytes(this.#afterLsn);
  }

  #prepare(context: EncodingContext): void {
    const { version, connectorName, database } = this.#constants;
    const { schema, name } = this.#relation;
    const source = timesOf(context.sourceTime_us);
    const processed = timesOf(context.processedAt_us);
    const q = JSON.stringify;
    // JSON inside JSON: the array's start, quoted, without the closing quote.
    const sequence = q(sequenceStart(context)).slice(0, -1);
    const transactionId = context.xid === -1 ? 'null' : String(context.xid >>> 0);
    this.#beforeSequence = Buffer.from(
      `"version":${q(version)},"connector":"postgresql","name":${q(connectorName)},"ts_ms":${source.ms},` +
        `"snapshot":${q(context.snapshot)},"db":${q(database)},"sequence":${sequence}`,
    );
    this.#beforeLsn = Buffer.from(
      `]","ts_us":${source.us},"ts_ns":${source.ns},"schema":${q(schema)},"table":${q(name)},` +
        `"txId":${transactionId},"lsn":`,
    );
    this.#afterLsn = Buffer.from(',"xmin":null,"origin":null,"origin_lsn":null');
    this.#times = Buffer.from(`","ts_ms":${processed.ms},"ts_us":${processed.us},"ts_ns":${processed.ns}}`);
  }
}
