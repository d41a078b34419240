import { describe, expect, it } from 'vitest';
import { AllocationMeter } from './allocation.js';

describe('the allocation meter', () => {
  it('refuses to count in a process that cannot clear its heap', async () => {
    const meter = new AllocationMeter();
    await expect(meter.start()).rejects.toThrow('--expose-gc');
    meter.close();
  });
});
