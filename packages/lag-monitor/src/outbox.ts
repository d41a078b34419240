import type { LogTable } from '@millrace/log';
import type { Notification } from './notifier.js';

/** Pages that are still owed, so that a monitor which dies while the receiver is down delivers them after its restart. */
export interface Outbox {
  owed(): Promise<readonly Notification[]>;
  put(notification: Notification): Promise<void>;
  delete(id: string): Promise<void>;
}

/** An outbox in a table of the log. */
export function tableOutbox(table: LogTable): Outbox {
  return {
    async owed() {
      const found: Notification[] = [];
      for (const [id, bytes] of await table.entries()) {
        try {
          found.push({ id, fields: JSON.parse(Buffer.from(bytes).toString('utf8')) });
        } catch {
          await table.delete(id); // damaged: nothing in it could be told
        }
      }
      // In the order in which they arose: a page before its resolve.
      return found.sort((a, b) => (a.fields.sampled_at < b.fields.sampled_at ? -1 : 1));
    },
    async put(notification) {
      await table.put(notification.id, Buffer.from(JSON.stringify(notification.fields), 'utf8'));
    },
    delete: (id) => table.delete(id),
  };
}
