export { type BackoffPolicy, backoff_ms, defaultBackoff } from './backoff.js';
export { ByteGate } from './byte-gate.js';
export { ByteWriter } from './byte-writer.js';
export { type Clock, systemClock } from './clock.js';
export { type DurationFigures, DurationTally, durationBounds_s } from './duration-tally.js';
export { asFault, assert, Fault, type FaultContext, type FaultOptions, isFault, toFault } from './fault.js';
export { type FaultCode, type FaultEntry, type FaultPolicy, faultCatalogue } from './fault-catalogue.js';
export { createLogger, type LogFields, type Logger, type LogLevel, silentLogger } from './logger.js';
export type { Service, Surroundings } from './service.js';
