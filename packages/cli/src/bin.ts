#!/usr/bin/env node
import { main } from './main.js';

// A reader that has seen enough (`millrace status | head`) is no error, and a dead log pipe no reason to stop replicating.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

process.exitCode = await main(process.argv.slice(2));
