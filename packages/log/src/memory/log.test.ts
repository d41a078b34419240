import { systemClock } from '@millrace/runtime';
import { describeLogConformance } from '../conformance.js';
import { MemoryLogServer } from './server.js';

for (const conditional of [false, true]) {
  describeLogConformance(conditional ? 'the memory log that checks fences' : 'the memory log', async () => {
    const server = new MemoryLogServer({ clock: systemClock, conditional });
    return { open: async () => server.open(), destroy: async () => {} };
  });
}
