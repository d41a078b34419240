import type { SourceSink } from '@millrace/capture';
import type { Change, Lsn, Relation, TransactionEnd, TransactionStart } from '@millrace/model';
import type { WalHandler } from '@millrace/postgres';
import { PgoutputDecoder } from '../pgoutput/decoder.js';
import type { LogicalMessage, PgoutputHandler, RelationMessage } from '../pgoutput/messages.js';
import { parseAnnouncement } from '../schema/announcement.js';
import { announcementPrefix } from '../schema/ddl-trigger.js';
import { doubtPrefix, parseDoubt } from '../schema/doubt.js';
import type { CatalogueView, SettledShape, ShapeBook } from '../schema/shape-book.js';
import { parseWatermark, watermarkPrefix } from '../watermark.js';

export interface StreamDecoderOptions {
  readonly sink: SourceSink;
  readonly shapes: ShapeBook;
  readonly slot: string;
  /** Asks the catalogue about a table; the stream waits meanwhile. */
  readonly look: (table: number) => Promise<CatalogueView>;
  /** Tables for which the publication names a list of columns. */
  readonly columnLists: ReadonlySet<number>;
}

/** From a walsender's payloads to the sink: decodes, settles shapes, picks out our own messages. One per session. */
export class StreamDecoder implements WalHandler, PgoutputHandler {
  readonly #options: StreamDecoderOptions;
  readonly #sink: SourceSink;
  readonly #decoder: PgoutputDecoder;
  #xid = 0;

  constructor(options: StreamDecoderOptions) {
    this.#options = options;
    this.#sink = options.sink;
    this.#decoder = new PgoutputDecoder(this);
  }

  payload(
    bytes: Uint8Array,
    start: number,
    end: number,
    lsnHigh: number,
    lsnLow: number,
  ): Promise<void> | undefined {
    return this.#decoder.decode(bytes, start, end, lsnHigh, lsnLow);
  }

  keepalive(at: Lsn): void {
    // Inside a transaction it says nothing about what was sent before `at` (R14).
    if (!this.#decoder.inTransaction) this.#sink.keepalive(at);
  }

  room(): Promise<void> | undefined {
    return this.#sink.room();
  }

  begin(start: TransactionStart): void {
    this.#xid = start.xid;
    this.#sink.begin(start);
  }

  commit(end: TransactionEnd): void {
    this.#sink.commit(end);
  }

  change(change: Change): void {
    this.#sink.change(change);
  }

  relation(message: RelationMessage): Promise<void> | undefined {
    const { shapes, look } = this.#options;
    const settled = shapes.knows(message.id) ? shapes.settle(message) : undefined;
    if (settled) return this.#adopt(settled);
    return look(message.id).then((view) => {
      // The server describes a partition beside its root, although all its rows come as the root's.
      if (view.isPart && !shapes.knows(message.id)) return undefined;
      return this.#adopt(shapes.settle(message) ?? shapes.settleWith(message, this.#xid, view));
    });
  }

  message(message: LogicalMessage): Promise<void> | undefined {
    if (!message.transactional || !message.prefix.startsWith(watermarkPrefix)) return undefined;
    const { buffer, byteOffset } = message.bytes;
    const text = Buffer.from(buffer, byteOffset + message.start, message.end - message.start).toString(
      'utf8',
    );
    if (message.prefix === watermarkPrefix) {
      const mark = parseWatermark(text, this.#options.slot);
      if (mark) this.#sink.watermark(mark);
      return undefined;
    }
    if (message.prefix === doubtPrefix) return this.#doubt(text);
    return message.prefix === announcementPrefix ? this.#announce(text) : undefined;
  }

  #doubt(text: string): Promise<void> | undefined {
    const { shapes, slot } = this.#options;
    const doubt = parseDoubt(text, slot);
    const news = doubt && shapes.doubted(doubt.table, doubt.reason);
    return news && this.#tell(news.relation, news);
  }

  #announce(text: string): Promise<void> | undefined {
    const { shapes, columnLists } = this.#options;
    const announcement = parseAnnouncement(text);
    shapes.announce(announcement);
    if (announcement.kind !== 'shape') return undefined;
    const { id } = announcement.json;
    const news = shapes.announcedNews(id, columnLists.has(id));
    return news && this.#tell(news.relation, news);
  }

  /** Events follow that are to be read by this shape. */
  #adopt(settled: SettledShape): Promise<void> | undefined {
    this.#decoder.define(settled.relation);
    return this.#tell(settled.relation, settled);
  }

  #tell(relation: Relation, { certainty }: SettledShape): Promise<void> | undefined {
    return certainty && this.#sink.relation(relation, certainty);
  }
}
