/**
 * Why a goal is not met, and what stands in the way: one sentence or two per figure, by the key of its row
 * (`T1 W2: millrace / pg_recvlogical: drain rate`). A goal that is missed without one fails the tests.
 */
export const limits: Readonly<Record<string, string>> = {
  'T1 W2: millrace / pg_recvlogical: CPU per million events':
    'Set where a system call is cheap. Here pg_recvlogical alone, which only reads and discards, takes more than we do with encoding. A quarter of ours is the kernel, a third Node and its compiler in the first seconds, the rest cells.',
  'T3 W1: millrace / debezium (tuned): drain rate':
    'A backlog of three to four seconds, of which the first is ours to connect, claim and open the chain by round trips to the broker; W2 and W8, with more rows per second, carry that start more easily.',
  'T4 W2: millrace → PostgreSQL / native subscription: drain rate':
    'Two cores, both full: 8.5 CPU seconds per million rows in four processes against 5.4 in two. The log between leader and follower costs its writing and its reading.',
  'T4 W5: millrace → PostgreSQL / native subscription: drain rate':
    'As W2; and the walsender needs 12.8 CPU seconds for us, 6.5 for a subscription that streams: for protocol version 1 it spills the whole transaction to disk and sends it after its commit.',
  'T4 W1: millrace → PostgreSQL / native subscription: drain rate':
    'The native worker, with synchronous_commit = off, takes 3.0 s of which its leader’s walsender needs 1.5: nobody can be more than twice as fast here. Ours needs 5.3 CPU seconds of two cores.',
  'T4 W6: millrace → PostgreSQL / native subscription: drain rate':
    'The native worker, with synchronous_commit = off, runs at the walsender’s own speed (1.6 of 1.8 s): four times that does not exist. Ours shares the two cores with the walsender that it reads from.',
  'T4 W5: millrace → DuckDB / millrace, log alone: drain rate':
    'One transaction is applied when its last row is in the log, not before: capturing and applying come one after the other here, where many transactions overlap.',
  'latency light: millrace → PostgreSQL / native subscription: commit to visible, p50':
    'Two hops and three flushes instead of one hop that does not wait for the disk, and code that runs too seldom to be compiled: the way of one commit is in the profiles of docs/11-hot-path.md.',
  'latency light: millrace → PostgreSQL / native subscription: commit to visible, p99':
    'As p50, three times over: a flush of the log that meets one of the leader or the follower waits behind it on the one disk.',
  'latency half: millrace → PostgreSQL / native subscription: commit to visible, p99':
    'A commit of 1,000 rows costs some 8 ms of processor over four processes that share two cores with the leader that writes them; at half of our rate Poisson’s bursts queue up. The peer meets the same rows per second, a third of its own rate.',
  'footprint W1: leader with millrace / leader alone: throughput, saturated':
    'pgbench takes both cores by itself, and whoever reads its slot, walsender first, takes from them: with pg_recvlogical, which only reads, 0.81 are left. At half of that rate nothing is lost.',
  'footprint W7: millrace, unpublished writes: idle CPU of capture':
    'The walsender sends a keepalive after each of the 100 commits a second that it skips, and each wakes the process for about 0.1 ms.',
  'footprint W7: millrace, unpublished writes: idle CPU of applier':
    'At the goal within what one sample resolves: one record a second moves the position, and with it one transaction of the follower.',
};
