/**
 * Ids as BullMQ takes them: no ":" (it separates Redis' keys), no integers (those are its own), no leading "0:".
 * Reversible, and readable where it can be.
 */
export const bullId = (id: string): string => `.${id.replace(/[%:]/g, encodeURIComponent)}`;

export const idOf = (bull: string): string =>
  bull.slice(1).replace(/%(25|3A)/g, (coded) => decodeURIComponent(coded));
