export { type DebianRoot, debianRoot, type Finish } from './debian-root.js';
