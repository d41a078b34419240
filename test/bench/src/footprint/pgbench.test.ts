import { describe, expect, it } from 'vitest';
import { readResult } from './pgbench.js';

/** As pgbench 15 prints it. */
const output = `pgbench (15.13)
transaction type: tpcb.sql
scaling factor: 1
query mode: prepared
number of clients: 8
number of threads: 1
maximum number of tries: 1
duration: 3 s
number of transactions actually processed: 2544
number of failed transactions: 0 (0.000%)
latency average = 9.421 ms
initial connection time = 12.345 ms
tps = 848.123456 (without initial connection time)
`;

describe("pgbench's last words", () => {
  it('are throughput and mean latency', () => {
    expect(readResult(output)).toEqual({ tps: 848.123456, latency_ms: 9.421 });
  });

  it('with failed transactions are no result', () => {
    expect(() => readResult(output.replace('transactions: 0', 'transactions: 3'))).toThrow(/failed/);
  });

  it('that lack a figure are shown', () => {
    expect(() => readResult('number of failed transactions: 0\nserver closed')).toThrow(/server closed/);
  });
});
