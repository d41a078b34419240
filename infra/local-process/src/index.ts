export { userCacheFolder, userCachePath } from './user-cache.js';
