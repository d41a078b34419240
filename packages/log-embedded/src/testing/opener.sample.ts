import { Store } from '../store.js';

/** Opens the log in the folder named, again and again, as commands do that only look. */
const times = 100;
for (let i = 0; i < times; i++) {
  const store = new Store(process.argv[2] as string, { readOnly: true });
  await store.close();
}
