import { describe, expect, it } from 'vitest';
import { nextSchemaId, schemaIdOf } from './schema-id.js';
import { memorySchemaStore, type SchemaTable, tableSchemaStore } from './table-store.js';

/** A table as a log keeps it, shared by processes. */
function sharedTable(): SchemaTable & { kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    get: async (key) => kept.get(key),
    put: async (key, value) => {
      kept.set(key, Uint8Array.from(value));
    },
    entries: async () => [...kept],
  };
}

describe('schema stores', () => {
  it('give the same text the same id everywhere, without talking to each other', async () => {
    const ids = await Promise.all(
      [memorySchemaStore(), memorySchemaStore()].map((store) => store.register('s', '"int"')),
    );
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).toBe(schemaIdOf('"int"'));
  });

  it('are read by a process that starts later, on the same table', async () => {
    const table = sharedTable();
    const id = await tableSchemaStore(table).register('topic-value', '{"type":"string"}');
    const later = tableSchemaStore(table);
    expect(await later.get(id)).toBe('{"type":"string"}');
    expect(await later.register('topic-value', '{"type":"string"}')).toBe(id);
    expect(await later.versions('topic-value')).toEqual([{ version: 1, id }]);
  });

  it('find another id for a schema whose own is taken, and the same one again', async () => {
    const table = sharedTable();
    const wanted = schemaIdOf('"long"');
    await table.put(`schema/${wanted}`, Buffer.from('"another"'));
    await table.put(`schema/${nextSchemaId(wanted)}`, Buffer.from('"third"'));
    const id = await tableSchemaStore(table).register('s', '"long"');
    expect(id).toBe(nextSchemaId(nextSchemaId(wanted)));
    expect(await tableSchemaStore(table).register('s', '"long"')).toBe(id);
    expect(await tableSchemaStore(table).get(wanted)).toBe('"another"');
  });

  it('list versions of a subject in order, whatever characters it has', async () => {
    const store = memorySchemaStore();
    const first = await store.register('a/b "c"-value', '"int"');
    const second = await store.register('a/b "c"-value', '"string"');
    await store.register('other', '"int"');
    expect(await store.versions('a/b "c"-value')).toEqual([
      { version: 1, id: first },
      { version: 2, id: second },
    ]);
    expect(await store.subjects()).toEqual(['a/b "c"-value', 'other']);
    expect(await store.versions('unknown')).toEqual([]);
    expect(await store.get(1)).toBeUndefined();
  });

  it('find what was registered, under its subject only, and write nothing to find it', async () => {
    const table = sharedTable();
    const store = tableSchemaStore(table);
    expect(await store.find('topic-value', '"int"')).toBeUndefined();
    expect(table.kept.size).toBe(0);
    const id = await store.register('topic-value', '"int"');
    const later = tableSchemaStore(table);
    expect(await later.find('topic-value', '"int"')).toBe(id);
    expect(await later.find('other-value', '"int"')).toBeUndefined();
  });

  it('find a schema whose own id was taken', async () => {
    const table = sharedTable();
    await table.put(`schema/${schemaIdOf('"long"')}`, Buffer.from('"another"'));
    const id = await tableSchemaStore(table).register('s', '"long"');
    expect(await tableSchemaStore(table).find('s', '"long"')).toBe(id);
  });

  it('number versions one after the other where two writers noted the same number', async () => {
    const table = sharedTable();
    const ids = [
      await tableSchemaStore(table).register('s', '"int"'),
      await tableSchemaStore(table).register('s', '"long"'),
    ];
    for (const id of ids) await table.put(`subject/${id}/s`, Buffer.from('1'));
    const versions = await tableSchemaStore(table).versions('s');
    expect(versions.map(({ version }) => version)).toEqual([1, 2]);
    expect(new Set(versions.map(({ id }) => id))).toEqual(new Set(ids));
  });

  it('keep ids positive and within 31 bits', () => {
    for (let i = 0; i < 2000; i++) {
      const id = schemaIdOf(`schema ${i}`);
      expect(id > 0 && id <= 0x7fff_ffff).toBe(true);
    }
    expect(nextSchemaId(0x7fff_ffff)).toBe(1);
  });
});
