/** A job as it is kept while nobody works on it. */
export interface StoredJob {
  readonly id: string;
  readonly data: string;
  readonly retries: number;
  /** Wall clock, ms: not to be run before. */
  readonly due_ms: number;
  /** Wall clock, ms; present once it has ended: then only its id counts. */
  readonly ended_ms?: number;
}

/** Where an in-process runner keeps its jobs. Last writer wins; one runner at a time. */
export interface JobStore {
  load(): Promise<readonly StoredJob[]>;
  put(job: StoredJob): Promise<void>;
  delete(id: string): Promise<void>;
}

/** A table of small values by key, as every log has them. */
export interface KeyedTable {
  entries(): Promise<readonly (readonly [string, Uint8Array])[]>;
  put(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Jobs in a table, so that they outlive the process. */
export function tableJobStore(table: KeyedTable): JobStore {
  return {
    async load() {
      const jobs: StoredJob[] = [];
      for (const [key, bytes] of await table.entries()) {
        const job = parse(key, bytes);
        if (job) jobs.push(job);
        else await table.delete(key); // damaged: nothing in it could be run
      }
      return jobs;
    },
    async put({ id, ...rest }) {
      await table.put(id, Buffer.from(JSON.stringify(rest), 'utf8'));
    },
    delete: (id) => table.delete(id),
  };
}

function parse(id: string, bytes: Uint8Array): StoredJob | undefined {
  try {
    const job = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<StoredJob>;
    const { data, retries, due_ms, ended_ms } = job;
    if (typeof data !== 'string' || typeof retries !== 'number' || typeof due_ms !== 'number')
      return undefined;
    return { id, data, retries, due_ms, ...(typeof ended_ms === 'number' && { ended_ms }) };
  } catch {
    return undefined;
  }
}
