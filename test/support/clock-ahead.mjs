// For `node --import`: the clock of this process is an hour ahead.
const { now } = Date;
const ahead = () => now() + 3_600_000;
globalThis.Date = class extends Date {
  constructor(...parts) {
    super(...(parts.length === 0 ? [ahead()] : parts));
  }

  static now = ahead;
};
