/** Limits of scenarios that more than one file needs. */

/** Most members of one class, and of all classes of providers or of tenants together. */
export const MAX_MEMBERS = 1_000_000;
export const MAX_VALIDATORS = 150;
/** As the protocol has it. */
export const MAX_INFRASTRUCTURES = 32;
export const MAX_GROUPS = 64;
/** Ten years: the longest horizon. */
export const MAX_HORIZON = 3_650 * 86_400_000_000;
/** Most classes of providers, and of tenants. */
export const MAX_CLASSES = 1_000;
export const MAX_FAULTS = 10_000;
/** microseconds */
export const DAY = 86_400_000_000;
