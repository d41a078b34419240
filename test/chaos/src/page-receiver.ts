import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A pager of the test's own: keeps the body of every webhook. */
export class PageReceiver implements AsyncDisposable {
  readonly bodies: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        this.bodies.push(body);
        response.writeHead(204).end();
      });
    });
  }

  static async start(): Promise<PageReceiver> {
    const receiver = new PageReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** True when a page names this fault. */
  tells(code: string): boolean {
    return this.bodies.some((body) => body.includes(code));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
