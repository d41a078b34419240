export {
  AlertBook,
  type AlertEvent,
  type AlertStore,
  type StoredAlert,
  tableAlertStore,
} from './alerts/alert-book.js';
export {
  type Breach,
  type BreachRule,
  isFiring,
  type Reading,
  readingOf,
  stepBreach,
} from './alerts/breach.js';
export { type Condition, conditionsOf, type Severity } from './alerts/conditions.js';
export {
  boardBeat_ms,
  ServiceBoard,
  type ServiceFault,
  type ServiceNote,
  type ServiceState,
  type ServiceWorker,
  silentAfter_ms,
} from './board/service-board.js';
export { type ChangeOp, changeOps, durationFigures, figureOfChange } from './board/service-figures.js';
export { Delivery, type DeliveryOptions, type DeliveryStatus, deliveryRetry } from './delivery/delivery.js';
export type { DeliveryAttempt, DeliveryResult, Notification, Notifier } from './delivery/notifier.js';
export { type Outbox, type Owed, owedKey, tableOutbox } from './delivery/outbox.js';
export { decodeSecret, signatureOf } from './delivery/signature.js';
export { Webhook, type WebhookOptions } from './delivery/webhook.js';
export type { ListenAddress } from './face/http-server.js';
export type {
  AlertStatus,
  EdgeStatus,
  FaultStatus,
  LeaderStatus,
  LogStatus,
  PagesStatus,
  StatusContext,
  StatusReport,
} from './face/status.js';
export { statusOf } from './face/status.js';
export type { Instant } from './instant.js';
export { createMonitor, type Monitor, type MonitorOptions } from './monitor.js';
export { type PageContext, type PageFields, type PageLinks, pageOf } from './pages/page.js';
export { inTime } from './patience.js';
export { formatBytes, formatDuration, formatRate } from './quantity.js';
export { ChainHead, type ChainReading, type ForkPoint } from './samples/chain-head.js';
export type { LeaderProbe, LeaderReading, SlotReading } from './samples/leader-probe.js';
export { type LogStorage, type Sample, Sampler } from './samples/sample.js';
export type { Measured } from './samples/side.js';
export { type Budget, budgetOf, clearFor_ms, clearRatio } from './verdict/budget.js';
export type { Deadline, DeadlineResource } from './verdict/deadline.js';
export {
  bytesBehind,
  type EdgeLag,
  endAfterForks,
  lagOfFollower,
  lagOfLog,
} from './verdict/lag.js';
export { type EdgeView, Judge, type Verdict } from './verdict/verdict.js';
