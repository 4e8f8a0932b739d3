/**
 * Deep freezing of messages. Messages travel by reference; freezing them proves that no actor changes what others hold.
 */

/** Freezes a value and everything that hangs on it. What is frozen already is taken to be so deeply. */
export function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  // The elements of typed arrays cannot be frozen.
  if (ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  for (const key of Object.keys(value)) deepFrozen((value as Record<string, unknown>)[key]);
  return value;
}
