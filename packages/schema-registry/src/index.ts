export type { BasicCredentials } from './access/basic.js';
export type { RegistryEndpoint } from './client/endpoint.js';
export { type HttpSchemaStoreOptions, httpSchemaStore } from './client/http-schema-store.js';
export { inspectRegistry, type RegistryLook } from './client/inspect.js';
export type { Patience } from './client/patience.js';
export { type RegistryServer, type RegistryServerOptions, serveRegistry } from './face/server.js';
