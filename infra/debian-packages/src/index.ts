export { type DebianRoot, type DebianWish, debianRoot } from './debian-root.js';
