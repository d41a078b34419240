/**
 * A value that an encoding cannot hold exactly (promise 8). The encoder turns it into MR-5001 naming table, column and
 * type; the reason never quotes the value.
 */
export class Refusal extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Refusal';
  }
}
