import type { CommandNode, Value } from './tree.ts';

/**
 * Arms of the `case` that goes from one command to the next. The variable isn't called `path`: that name is zsh's own.
 */
export function steps({ path, commands }: CommandNode): string[] {
  return commands.map(({ name }) => `      '${path}/${name}') place='${`${path} ${name}`.trim()}' ;;`);
}

/** An arm for each option that takes a value. @param complete says in the shell's words what may stand there */
export function values({ path, options }: CommandNode, complete: (value: Value) => string): string[] {
  return options.flatMap(({ short, long, value }) => {
    if (value === null) return [];
    const patterns = [short, long].filter((flag) => flag !== undefined).map((flag) => `'${path}/${flag}'`);
    return [`    ${patterns.join('|')}) ${complete(value)}; return ;;`];
  });
}
