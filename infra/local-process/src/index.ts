export { type ServiceUser, serverEnvironment, spawnAs } from './account.js';
export { type CacheClaim, cacheFolder } from './cache-folder.js';
export { makeOnce } from './make-once.js';
export { freePort } from './port.js';
export { runAs } from './program.js';
export { makeServerFolder, removeAbandonedFolders } from './server-folder.js';
export { logFile, ServerProcess, type ServerProgram } from './server-process.js';
export { userCacheFolder, userCachePath } from './user-cache.js';
export { type EndSignal, pidFile, startWatchdog, type Watchdog } from './watchdog.js';
