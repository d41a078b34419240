export { fetchJars, type JarSources } from './fetch-jars.js';
export { type JarLock, type LockedJar, parseJarLock, readJarLock } from './jar-lock.js';
export { findJava, type Java, type JavaNeed } from './java.js';
