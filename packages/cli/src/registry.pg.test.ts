import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { memorySchemaStore, type SchemaRegistry } from '@millrace/codec';
import type { EdgeStatus, StatusReport } from '@millrace/lag-monitor';
import { silentLogger } from '@millrace/runtime';
import { serveRegistry } from '@millrace/schema-registry';
import { connectTo, startPostgres, tempFolder, waitFor } from '@millrace/test-support';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Running, run, start } from './command-line.sample.js';

type Server = Awaited<ReturnType<typeof startPostgres>>;
let names = 0;
let leaders: Server;
let replicas: Server;
beforeAll(async () => {
  // A capture that waited without telling the leader that it lives would be cut off.
  leaders = await startPostgres({ version: 18, conf: { wal_sender_timeout: '1s' } });
  replicas = await startPostgres({ version: 18 });
});
afterAll(async () => {
  await leaders.remove();
  await replicas.remove();
});

async function pipelineWith(more: string) {
  const pipeline = `reg${process.pid}x${names++}`;
  const leader = await leaders.createDatabase(pipeline);
  const replica = await replicas.createDatabase(pipeline);
  const folder = tempFolder();
  writeFileSync(
    join(folder, 'millrace.yaml'),
    `pipeline: ${pipeline}
leader: { url: "${leader}", publication: ${pipeline} }
followers: { replica: { postgres: { url: "${replica}" } } }
monitor: { listen: "127.0.0.1:0", sample: 200ms }
${more}`,
  );
  const clients = [await connectTo(leader), await connectTo(replica)] as const;
  return {
    pipeline,
    folder,
    onLeader: (sql: string) => clients[0].query(sql),
    /** How many rows of `items` the replica has; undefined while it has no such table. */
    replicaRows: async () => {
      const answer = await clients[1].query('SELECT FROM items').catch(() => undefined);
      return answer?.rowCount ?? undefined;
    },
    async [Symbol.asyncDispose]() {
      await waitFor(
        () =>
          clients[0].query(`SELECT pg_drop_replication_slot('millrace_${pipeline}')`).then(
            () => true,
            () => false,
          ),
        { what: 'the slot can be dropped' },
      );
      for (const client of clients) await client.end();
    },
  };
}

const portOf = (running: Running, service: string): Promise<number> =>
  waitFor(
    () => {
      const line = running
        .err()
        .split('\n')
        .find((each) => each.includes(`"service":"${service}"`) && each.includes('"port"'));
      return line === undefined ? undefined : Number(/"port":(\d+)/.exec(line)?.[1]);
    },
    { what: `${service} listens` },
  );

/** The capture of a running `up`, once it is as wanted. */
async function capture(
  running: Running,
  wanted: (edge: EdgeStatus) => boolean,
  what: string,
): Promise<EdgeStatus> {
  const port = await portOf(running, 'monitor');
  return waitFor(
    async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/status`);
      const edge = answer.ok ? ((await answer.json()) as StatusReport).capture : undefined;
      return edge && wanted(edge) ? edge : undefined;
    },
    { what, timeout_ms: 30_000 },
  );
}

const waitsFor = (code: string) => (edge: EdgeStatus) =>
  edge.state === 'waiting' && edge.service?.fault?.code === code;

/** A registry behind a door that a test shuts (`down`), or guards as one of level BACKWARD would (`strict`). */
async function guardedRegistry() {
  const registry: SchemaRegistry = memorySchemaStore();
  const listen = { host: '127.0.0.1', port: 0 };
  const behind = await serveRegistry({ registry, listen, writable: true, logger: silentLogger });
  const door = { mode: 'down' as 'down' | 'open' | 'strict' };
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (door.mode === 'down') {
      request.socket.destroy();
      return;
    }
    const registers = request.method === 'POST' && request.url?.endsWith('/versions') === true;
    if (door.mode === 'strict' && registers) {
      response.writeHead(409).end('{"error_code":409,"message":"Schema being registered is incompatible"}');
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts).toString('utf8');
    const answer = await fetch(`http://127.0.0.1:${behind.port}${request.url}`, {
      method: request.method ?? 'GET',
      ...(body !== '' && { body, headers: { 'content-type': 'application/json' } }),
    });
    response.writeHead(answer.status).end(await answer.text());
  };
  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    registry,
    door,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await behind.close();
    },
  };
}

describe('with an external registry', () => {
  it('capture publishes nothing while it is away or refuses, says why, goes on by itself or by order, and stops while it waits', async () => {
    await using external = await guardedRegistry();
    await using shop = await pipelineWith(
      `codec: { registry: { url: "${external.url}", username: u, password: pass-w0rd } }\n`,
    );
    await shop.onLeader('CREATE TABLE items (id int PRIMARY KEY)');
    await shop.onLeader('INSERT INTO items VALUES (1)');
    const { findings } = JSON.parse((await run(['check', '--json'], shop.folder)).out);
    expect(findings).toContainEqual(
      expect.objectContaining({ where: 'registry', severity: 'error', code: 'MR-5005' }),
    );
    const up = start(['up'], shop.folder);
    const waiting = await capture(up, waitsFor('MR-5005'), 'capture waits for the registry');
    expect(waiting.service?.doing).toContain(`${shop.pipeline}.public.items-value`);
    external.door.mode = 'open';
    await waitFor(async () => (await shop.replicaRows()) === 1, { what: 'the snapshot', timeout_ms: 30_000 });

    external.door.mode = 'down';
    await shop.onLeader('ALTER TABLE items ADD note text');
    await shop.onLeader(`INSERT INTO items VALUES (2, 'new')`);
    await capture(up, waitsFor('MR-5005'), 'capture waits for the registry again');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    external.door.mode = 'open';
    await waitFor(async () => (await shop.replicaRows()) === 2, {
      what: 'the new column',
      timeout_ms: 30_000,
    });
    expect(up.err()).not.toContain('starts over');

    external.door.mode = 'strict';
    await shop.onLeader('ALTER TABLE items ADD price int NOT NULL DEFAULT 7');
    await shop.onLeader(`INSERT INTO items VALUES (3, 'x', 8)`);
    const stopped = await capture(up, ({ state }) => state === 'stopped', 'capture stops');
    expect(stopped.service?.fault).toMatchObject({
      code: 'MR-5007',
      remedy: expect.stringContaining('/config/'),
    });
    external.door.mode = 'open';
    expect((await run(['restart', 'capture'], shop.folder)).code).toBe(0);
    await waitFor(async () => (await shop.replicaRows()) === 3, {
      what: 'the row after',
      timeout_ms: 30_000,
    });
    expect((await external.registry.versions(`${shop.pipeline}.public.items-value`)).length).toBe(3);

    external.door.mode = 'down';
    await shop.onLeader('ALTER TABLE items ADD more text');
    await shop.onLeader('INSERT INTO items VALUES (4, NULL, 9)');
    await capture(up, waitsFor('MR-5005'), 'capture waits for the last time');
    const began = performance.now();
    up.signal('SIGTERM');
    expect((await up.ended).code).toBe(143);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(up.err()).not.toContain('pass-w0rd');
  }, 150_000);
});

it('`up` and `registry` serve the schemas of one embedded log to anyone, and a taken port ends the command', async () => {
  await using shop = await pipelineWith('registry: { listen: "127.0.0.1:0" }\n');
  await shop.onLeader('CREATE TABLE items (id int PRIMARY KEY)');
  await shop.onLeader('INSERT INTO items VALUES (1)');
  const beside = start(['registry'], shop.folder);
  await waitFor(() => beside.err().includes('there is no log yet'), { what: 'the registry waits' });
  const up = start(['up'], shop.folder);
  await waitFor(async () => (await shop.replicaRows()) === 1, { what: 'the snapshot', timeout_ms: 30_000 });
  const subjects = [`${shop.pipeline}.public.items-key`, `${shop.pipeline}.public.items-value`];
  for (const running of [up, beside]) {
    const port = await portOf(running, 'registry');
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).json();
    expect(await ask('/subjects')).toEqual(subjects);
    const latest = (await ask(`/subjects/${subjects[1]}/versions/latest`)) as { id: number; schema: string };
    expect(await ask(`/schemas/ids/${latest.id}`)).toEqual({ schema: latest.schema });
  }
  const taken = await portOf(beside, 'registry');
  const other = tempFolder();
  const text = (listen: string) =>
    `pipeline: p\nleader: { url: "postgresql://h/d" }\nfollowers: { lake: { duckdb: { path: l } } }\n${listen}`;
  writeFileSync(
    join(other, 'millrace.yaml'),
    text(`registry: { listen: "127.0.0.1:${taken}", writable: true }\n`),
  );
  const refused = await run(['registry'], other);
  expect([refused.code, refused.err]).toEqual([69, expect.stringContaining('MR-6002')]);
  writeFileSync(join(other, 'millrace.yaml'), text(''));
  expect(await run(['registry'], other)).toMatchObject({
    code: 78,
    err: expect.stringContaining('no `registry`'),
  });
  beside.signal('SIGTERM');
  up.signal('SIGTERM');
  expect([(await beside.ended).code, (await up.ended).code]).toEqual([143, 143]);
}, 90_000);
