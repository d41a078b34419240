// Run with `node --conditions=source --import <this file> script.ts`: see spawn-script.ts.
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
