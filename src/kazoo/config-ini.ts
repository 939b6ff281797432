/** A broker that KAZOO's own configuration names. */
export interface KazooBroker {
  readonly zone: string;
  readonly url: string;
  /** From 1 on. */
  readonly line: number;
}

export interface KazooConfigError {
  readonly line: number;
  readonly message: string;
}

/**
 * The brokers in the text of KAZOO's `/etc/kazoo/core/config.ini`: `uri` and `amqp_uri` of its sections `[amqp]`, and
 * those of each section `[zone]`, of which there may be several, each with its `name`. What is in a zone and in
 * `[amqp]` belongs to the zone.
 * @param localZone the zone of what only `[amqp]` has
 */
export function parseKazooBrokers(
  text: string,
  localZone: string,
): { readonly brokers: readonly KazooBroker[]; readonly mistakes: readonly KazooConfigError[] } {
  const mistakes: KazooConfigError[] = [];
  const sections = sectionsIn(text, mistakes);
  const zones = sections.filter(({ name }) => name === 'zone').flatMap((section) => zoneBrokers(section, mistakes));
  const inZones = new Set(zones.map(({ url }) => url));
  const local = sections
    .filter(({ name }) => name === 'amqp')
    .flatMap(({ settings }) => urisOf(settings))
    .filter(({ value }) => !inZones.has(value))
    .map(({ value, line }) => ({ zone: localZone, url: value, line }));
  return { brokers: withoutRepeats([...zones, ...local]), mistakes };
}

interface Section {
  readonly name: string;
  readonly line: number;
  readonly settings: Setting[];
}

interface Setting {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** The sections that brokers are in. Others have forms of their own, and are nothing to us. */
function sectionsIn(text: string, mistakes: KazooConfigError[]): Section[] {
  const sections: Section[] = [];
  let section: Section | undefined;
  for (const [index, row] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = index + 1;
    const content = row.trim();
    if (content === '' || /^[;#]/.test(content)) continue;
    const [, name] = /^\[\s*([^\]]*?)\s*\]/.exec(content) ?? [];
    if (name !== undefined) {
      section = { name, line, settings: [] };
      if (name === 'zone' || name === 'amqp') sections.push(section);
    } else if (section !== undefined && sections.includes(section)) {
      const setting = settingIn(content, line);
      if (setting === undefined) mistakes.push({ line, message: 'must be a comment, a [section] or key = value' });
      else section.settings.push(setting);
    }
  }
  return sections;
}

function settingIn(content: string, line: number): Setting | undefined {
  const [, key, rest = ''] = /^([^=\s]+)\s*=\s*(.*)$/.exec(content) ?? [];
  if (key === undefined) return undefined;
  const [, double, single] = /^(?:"([^"]*)"|'([^']*)')/.exec(rest) ?? [];
  const value = double ?? single ?? rest.replace(/\s+[;#].*$/, '').trim();
  return { key: key.toLowerCase(), value, line };
}

function zoneBrokers({ line, settings }: Section, mistakes: KazooConfigError[]): KazooBroker[] {
  const zone = settings.find(({ key, value }) => key === 'name' && value !== '')?.value;
  if (zone !== undefined) return urisOf(settings).map(({ value, line: at }) => ({ zone, url: value, line: at }));
  mistakes.push({ line, message: 'the section [zone] has no name' });
  return [];
}

function urisOf(settings: readonly Setting[]): Setting[] {
  return settings.filter(({ key, value }) => (key === 'uri' || key === 'amqp_uri') && value !== '');
}

function withoutRepeats(brokers: readonly KazooBroker[]): KazooBroker[] {
  const isFirst = ({ zone, url }: KazooBroker, index: number) =>
    brokers.findIndex((other) => other.zone === zone && other.url === url) === index;
  return brokers.filter(isFirst);
}
