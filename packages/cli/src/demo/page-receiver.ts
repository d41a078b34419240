import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Delivery {
  readonly type?: string;
  readonly data?: { readonly title?: string };
}

const body_bytes_max = 20_000;

/** A stand-in for one's pager: receives the monitor's webhooks and hands on their titles. */
export class PageReceiver {
  readonly #server: Server;
  pages = 0;
  resolves = 0;

  private constructor(onPage: (kind: 'page' | 'resolve', title: string) => void) {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        if (body.length < body_bytes_max) body += chunk.toString('utf8');
      });
      request.on('end', () => {
        response.writeHead(204).end();
        const delivery = JSON.parse(body) as Delivery;
        const kind = delivery.type === 'millrace.lag.resolve' ? 'resolve' : 'page';
        if (kind === 'page') this.pages += 1;
        else this.resolves += 1;
        onPage(kind, delivery.data?.title ?? '');
      });
    });
  }

  static async start(onPage: (kind: 'page' | 'resolve', title: string) => void): Promise<PageReceiver> {
    const receiver = new PageReceiver(onPage);
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/pages`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
