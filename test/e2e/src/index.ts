export { differenceOf, type TableRows } from './comparison.js';
export { Mirror, type MirrorOptions } from './mirror.js';
