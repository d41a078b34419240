import type { FaultPolicy } from '@millrace/runtime';

/** What services do about a fault, in an operator's words. */
export const policyWords: Readonly<Record<FaultPolicy, string>> = {
  stop: 'The service stops and applies or publishes nothing later until you decide; the monitor pages.',
  reclaim: 'Heals by itself: the service gives up what it was doing and starts over from what is durable.',
  backoff: 'Heals by itself once the cause is gone: the service tries again after growing pauses.',
  exit: 'The process ends.',
};
