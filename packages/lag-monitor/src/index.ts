export {
  AlertBook,
  type AlertEvent,
  type AlertStore,
  type StoredAlert,
  tableAlertStore,
} from './alert-book.js';
export {
  type Breach,
  type BreachRule,
  type Instant,
  isFiring,
  type Reading,
  readingOf,
  stepBreach,
} from './breach.js';
export { type Budget, budgetOf, clearFor_ms, clearRatio } from './budget.js';
export { ChainHead, type ChainReading } from './chain-head.js';
export { type Condition, conditionsOf, type Severity } from './conditions.js';
export type { Deadline, DeadlineResource } from './deadline.js';
export { Delivery, type DeliveryOptions, type DeliveryStatus, deliveryRetry } from './delivery.js';
export type { ListenAddress } from './http-server.js';
export { bytesBehind, type EdgeLag, endAfterForks, type ForkPoint, lagOfFollower, lagOfLog } from './lag.js';
export type { LeaderProbe, LeaderReading, SlotReading } from './leader-probe.js';
export { createMonitor, type Monitor, type MonitorOptions } from './monitor.js';
export type { DeliveryAttempt, DeliveryResult, Notification, Notifier } from './notifier.js';
export { type Outbox, type Owed, owedKey, tableOutbox } from './outbox.js';
export { type PageContext, type PageFields, type PageLinks, pageOf } from './page.js';
export { formatBytes, formatDuration, formatRate } from './quantity.js';
export { type LogStorage, type Measured, type Sample, Sampler } from './sample.js';
export {
  boardBeat_ms,
  ServiceBoard,
  type ServiceFault,
  type ServiceNote,
  type ServiceState,
  type ServiceWorker,
  silentAfter_ms,
} from './service-board.js';
export { type ChangeOp, changeOps, durationFigures, figureOfChange } from './service-figures.js';
export { decodeSecret, signatureOf } from './signature.js';
export type {
  AlertStatus,
  EdgeStatus,
  FaultStatus,
  LeaderStatus,
  LogStatus,
  PagesStatus,
  StatusContext,
  StatusReport,
} from './status.js';
export { statusOf } from './status.js';
export { type EdgeView, Judge, type Verdict } from './verdict.js';
export { Webhook, type WebhookOptions } from './webhook.js';
