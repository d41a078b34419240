import { fileURLToPath } from 'node:url';

const folder = new URL('../../results/', import.meta.url);

/** Where whole runs at full scale go: committed, and what the tables are made of. */
export const publishedFile = fileURLToPath(new URL('published.json', folder));
/** Where everything else goes; git ignores it. */
export const trialFile = fileURLToPath(new URL('trial.json', folder));
