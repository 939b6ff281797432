/** Seconds from the start of year 0, where KAZOO's (Erlang's gregorian) times count from, to 1970. */
const gregorianEpoch = 62_167_219_200;

/** The last millisecond of year 9999: beyond it RFC 3339 has no way to write a time. */
const lastTime = 253_402_300_799_999;

/** KAZOO's gregorian seconds, a number or digits in a string, as Unix milliseconds; null unless within 1970..9999. */
export function fromGregorianSeconds(value: unknown): number | null {
  const seconds = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' ? validTime((seconds - gregorianEpoch) * 1000) : null;
}

/**
 * The AMQP `timestamp` property as Unix milliseconds. KAZOO sends microseconds since year 0; whole Unix seconds, which
 * AMQP means the property to hold, are understood too. Null where it is missing or neither.
 */
export function fromAmqpTimestamp(value: number | undefined): number | null {
  if (value === undefined) return null;
  return value > gregorianEpoch * 1e6 ? validTime(value / 1000 - gregorianEpoch * 1000) : validTime(value * 1000);
}

/** Unix milliseconds as KAZOO writes them in a body: whole seconds since year 0. */
export function toGregorianSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) + gregorianEpoch;
}

/** Unix milliseconds as KAZOO writes them in the AMQP `timestamp` property: microseconds since year 0. */
export function toAmqpTimestamp(milliseconds: number): number {
  return (milliseconds + gregorianEpoch * 1000) * 1000;
}

function validTime(milliseconds: number): number | null {
  const whole = Math.floor(milliseconds);
  return whole > 0 && whole <= lastTime ? whole : null;
}
