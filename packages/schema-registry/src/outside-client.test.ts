import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { describe, expect, it } from 'vitest';
import { serve } from './testing/served.js';

const schema = JSON.stringify({
  ...{ type: 'record', name: 'Order', namespace: 'theirs' },
  fields: [
    { name: 'id', type: 'int' },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
});
const order = { id: 7, note: 'seven' };
const retry = { retries: 0 };

describe('an outside client', () => {
  it('registers, encodes, looks up and decodes where writing is allowed', async () => {
    await using served = await serve({ writable: true });
    const theirs = new SchemaRegistry({ host: served.url, retry });
    const options = { subject: 'theirs/orders value', compatibility: COMPATIBILITY.NONE };
    const { id } = await theirs.register({ type: SchemaType.AVRO, schema }, options);
    expect(await theirs.register({ type: SchemaType.AVRO, schema }, options)).toEqual({ id });
    const bytes = await theirs.encode(id, order);
    const reader = new SchemaRegistry({ host: served.url, retry });
    expect(await reader.decode(bytes)).toEqual(order);
    expect(await reader.getLatestSchemaId(options.subject)).toBe(id);
    expect(await reader.getRegistryId(options.subject, 1)).toBe(id);
    expect(await reader.getRegistryIdBySchema(options.subject, { type: SchemaType.AVRO, schema })).toBe(id);
  });

  it('is told that a compatibility level cannot be kept', async () => {
    await using served = await serve({ writable: true });
    const theirs = new SchemaRegistry({ host: served.url, retry });
    await expect(
      theirs.register({ type: SchemaType.AVRO, schema }, { subject: 's', compatibility: COMPATIBILITY.FULL }),
    ).rejects.toThrow(/Compatibility is NONE/);
  });

  it('is refused where only reading is, and with a wrong password', async () => {
    const credentials = { username: 'reader', password: 'right' };
    await using served = await serve({ credentials });
    await served.registry.register('s', schema);
    const theirs = new SchemaRegistry({ host: served.url, retry, auth: credentials });
    await expect(
      theirs.register(
        { type: SchemaType.AVRO, schema: '"int"' },
        { subject: 's', compatibility: COMPATIBILITY.NONE },
      ),
    ).rejects.toThrow();
    expect(await served.registry.versions('s')).toHaveLength(1);
    expect(await theirs.getLatestSchemaId('s')).toBeGreaterThan(0);
    const stranger = new SchemaRegistry({
      host: served.url,
      retry,
      auth: { ...credentials, password: 'wrong' },
    });
    await expect(stranger.getLatestSchemaId('s')).rejects.toThrow(/Unauthorized/);
  });
});
