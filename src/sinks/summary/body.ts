import type { Json, JsonObject } from '../../common/json.ts';

/** What a body says, for sentences: any field may be missing, or of another type than KAZOO says. */
export class Body {
  readonly #data: JsonObject;

  constructor(data: JsonObject) {
    this.#data = data;
  }

  of(name: string): Json | undefined {
    return Object.hasOwn(this.#data, name) ? this.#data[name] : undefined;
  }

  /** As text; empty where there is none. */
  text(name: string): string {
    const value = this.of(name);
    if (Array.isArray(value)) return value.filter((one) => typeof one === 'string').join(', ');
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  }

  /** The text behind a word, or nothing: `of` and `5` are ` of 5`. */
  after(word: string, name: string): string {
    const text = this.text(name);
    return text === '' ? '' : ` ${word} ${text}`;
  }

  /** Name and number of whoever calls, as ` from Robin +1415…`. */
  get from(): string {
    const [name, number] = [this.text('caller_id_name'), this.text('caller_id_number')];
    const both = [name === number ? '' : name, number].filter((part) => part !== '').join(' ');
    return both === '' ? '' : ` from ${both}`;
  }
}
