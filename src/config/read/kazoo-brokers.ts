import { fileReasonOf } from '../../common/fs/fs-errors.ts';
import { readNamedFile } from '../../common/fs/named-file.ts';
import { parseKazooBrokers } from '../../kazoo/config-ini.ts';
import type { Finding, Path, Place } from '../diagnostics.ts';

/** Brokers that KAZOO's own configuration names, each with its place in that file. */
export interface KazooBrokers {
  readonly file: string;
  readonly brokers: readonly { readonly zone: string; readonly url: string }[];
  readonly mistakes: readonly Finding[];
  /** Why the file can't be read, where it can't. */
  readonly unreadable?: string;
  /** Where a broker, or an option of one that the file can hold, stands in it; undefined for any other path. */
  placeOf(path: Path): Place | undefined;
}

/** @param localZone the zone of what stands in no zone of KAZOO's */
export function readKazooBrokers(file: string, localZone: string): KazooBrokers {
  const nothing: KazooBrokers = { file, brokers: [], mistakes: [], placeOf: () => undefined };
  let text: string;
  try {
    // Also one whose comments are in another encoding than UTF-8.
    text = readNamedFile(file).toString();
  } catch (cause) {
    return { ...nothing, unreadable: fileReasonOf(cause) };
  }
  const { brokers, mistakes } = parseKazooBrokers(text, localZone);
  if (brokers.length === 0 && mistakes.length === 0) {
    const message = 'names no broker: it has neither uri or amqp_uri under [amqp], nor a [zone] with one';
    return { ...nothing, mistakes: [{ source: file, option: '', message }] };
  }
  return {
    file,
    brokers: brokers.map(({ zone, url }) => ({ zone, url })),
    mistakes: mistakes.map(({ line, message }) => ({ source: file, line, column: 1, option: '', message })),
    placeOf([first, index, option]) {
      const isHere = first === 'brokers' && typeof index === 'number' && option !== 'tls';
      const broker = isHere ? brokers[index] : undefined;
      return broker === undefined ? undefined : { source: file, line: broker.line, column: 1 };
    },
  };
}
