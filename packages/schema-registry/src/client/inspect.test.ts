import { describe, expect, it } from 'vitest';
import { inspectRegistry } from '../index.js';
import { scripted } from '../testing/scripted-registry.js';
import { serve } from '../testing/served.js';

describe('a look at an external registry', () => {
  it('tells level and mode of one that answers', async () => {
    await using served = await serve();
    expect(await inspectRegistry(served)).toEqual({ compatibility: 'NONE', mode: 'READONLY' });
  });

  it('is content with a registry that tells neither', async () => {
    await using registry = await scripted((line) =>
      line.includes('/subjects') ? { body: [] } : { status: 403 },
    );
    expect(await inspectRegistry(registry)).toEqual({});
  });

  it('finds what capture would stumble over', async () => {
    await using refusing = await scripted(() => ({ status: 401 }));
    expect((await inspectRegistry(refusing)).fault?.code).toBe('MR-5006');
    await using strange = await scripted(() => ({ body: '<html>' }));
    expect((await inspectRegistry(strange)).fault?.code).toBe('MR-5009');
    expect((await inspectRegistry({ url: 'https://localhost:1' })).fault?.code).toBe('MR-5005');
  });
});
