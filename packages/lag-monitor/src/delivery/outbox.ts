import type { LogTable } from '@millrace/log';
import type { Notification } from './notifier.js';
import { inOrder } from './owed-order.js';

/** A notification that one channel still has to deliver. */
export interface Owed {
  readonly channel: string;
  readonly notification: Notification;
}

/** Pages that are still owed, so that a monitor which dies while the receiver is down delivers them after its restart. */
export interface Outbox {
  /** In the order in which they arose: a page before its resolve. */
  owed(): Promise<readonly Owed[]>;
  has(key: string): Promise<boolean>;
  put(owed: Owed): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Of channel and notification; also the id of the job that retries it. */
export const owedKey = ({ channel, notification }: Owed): string => `${channel} ${notification.id}`;

/** Keys that were written before there were channels in them name the only one that there was. */
const firstChannel = 'webhook';

/** An outbox in a table of the log. */
export function tableOutbox(table: LogTable): Outbox {
  return {
    async owed() {
      const found: Owed[] = [];
      for (const [key, bytes] of await table.entries()) {
        const owed = parse(key, bytes);
        // Damaged: nothing in it could be told. Without a channel: written anew with one.
        if (!owed || !key.includes(' ')) await table.delete(key);
        if (owed && !key.includes(' ')) await table.put(owedKey(owed), bytes);
        if (owed) found.push(owed);
      }
      return inOrder(found);
    },
    has: async (key) => (await table.get(key)) !== undefined,
    async put(owed) {
      await table.put(owedKey(owed), Buffer.from(JSON.stringify(owed.notification.fields), 'utf8'));
    },
    delete: (key) => table.delete(key),
  };
}

function parse(key: string, bytes: Uint8Array): Owed | undefined {
  const space = key.indexOf(' ');
  const channel = space < 0 ? firstChannel : key.slice(0, space);
  try {
    const fields = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return { channel, notification: { id: key.slice(space + 1), fields } };
  } catch {
    return undefined;
  }
}
