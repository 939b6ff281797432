/** A command as a shell has to know it. */
export interface CommandNode {
  /** The words that lead to it, such as `dead list`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionNode[];
  /** The possible values of its arguments. */
  readonly argument: Value | null;
}

export interface OptionNode {
  /** `-c`, if there is one. */
  readonly short: string | undefined;
  readonly long: string;
  readonly description: string;
  /** Null where it takes none. */
  readonly value: Value | null;
}

/** What may stand there: one of these words, a file or a folder, a route of the configuration or one that has left it, or anything. */
export type Value = readonly string[] | 'file' | 'folder' | 'route' | 'former-route' | 'anything';

/** A script for bash 4 or later. It needs nothing else, neither the package bash-completion. */
export function bashScript(tree: readonly CommandNode[]): string {
  return `# kazoo-relay completion bash
_kazoo_relay() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place= index config=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    [[ \${COMP_WORDS[index-1]} != @(-c|--config) ]] || config=(--config "\${COMP_WORDS[index]}")
    case "$place/\${COMP_WORDS[index]}" in
${tree.flatMap(caseSteps).join('\n')}
    esac
  done
  COMPREPLY=()
  case "$place/$previous" in
${tree.flatMap((node) => caseValues(node, completeInBash)).join('\n')}
  esac
  case "$place" in
${tree.map(bashPlace).join('\n')}
  esac
}
_kazoo_relay_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }
_kazoo_relay_routes() { _kazoo_relay_words "$(kazoo-relay config routes "\${@:2}" "\${config[@]}" 2>/dev/null)" "$1"; }
_kazoo_relay_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$1"); }
_kazoo_relay_folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$1"); }
complete -F _kazoo_relay kazoo-relay
`;
}

/** Anywhere else: an option after a dash, else a command or an argument. */
function bashPlace({ path, commands, options, argument }: CommandNode): string {
  const flags = options.flatMap(({ short, long }) => (short === undefined ? [long] : [short, long]));
  const names = commands.map(({ name }) => name);
  const rest = names.length > 0 ? completeInBash(names) : completeInBash(argument ?? 'anything');
  return `    '${path}') if [[ $current == -* ]]; then ${completeInBash(flags)}; else ${rest}; fi ;;`;
}

function completeInBash(value: Value): string {
  switch (value) {
    case 'file':
      return '_kazoo_relay_files "$current"';
    case 'folder':
      return '_kazoo_relay_folders "$current"';
    case 'route':
      return '_kazoo_relay_routes "$current"';
    case 'former-route':
      return '_kazoo_relay_routes "$current" --former';
    case 'anything':
      return ':';
    default:
      return `_kazoo_relay_words '${value.join(' ')}' "$current"`;
  }
}

/**
 * Arms of the `case` that goes from one command to the next. The variable isn't called `path`: that name is zsh's own.
 */
function caseSteps({ path, commands }: CommandNode): string[] {
  return commands.map(({ name }) => `      '${path}/${name}') place='${`${path} ${name}`.trim()}' ;;`);
}

/** An arm for each option that takes a value. @param complete says in the shell's words what may stand there */
function caseValues({ path, options }: CommandNode, complete: (value: Value) => string): string[] {
  return options.flatMap(({ short, long, value }) => {
    if (value === null) return [];
    const patterns = [short, long].filter((flag) => flag !== undefined).map((flag) => `'${path}/${flag}'`);
    return [`    ${patterns.join('|')}) ${complete(value)}; return ;;`];
  });
}

/** A script for zsh: to be put into a folder of $fpath as _kazoo-relay, or sourced after compinit. */
export function zshScript(tree: readonly CommandNode[]): string {
  return `#compdef kazoo-relay
_kazoo_relay() {
  local curcontext="$curcontext" state
  typeset -A opt_args
  local previous=\${words[CURRENT-1]} current=\${words[CURRENT]} place= word before=
  local -a config
  for word in \${words[2,CURRENT-1]}; do
    [[ $before != (-c|--config) ]] || config=(--config "$word")
    before=$word
    case "$place/$word" in
${tree.flatMap(caseSteps).join('\n')}
    esac
  done
  case "$place/$previous" in
${tree.flatMap((node) => caseValues(node, completeInZsh)).join('\n')}
  esac
  local -a flags commands
  case "$place" in
${tree.map(zshPlace).join('\n')}
  esac
}
compdef _kazoo_relay kazoo-relay
# Where zsh loads this file as a function, this is its first call.
[[ $funcstack[1] == _kazoo-relay ]] && _kazoo_relay
`;
}

function zshPlace({ path, commands, options, argument }: CommandNode): string {
  const names = commands.map(({ name, description }) => zshEntry(name, description)).join(' ');
  const rest =
    commands.length > 0 ? `commands=(${names}); _describe command commands` : completeInZsh(argument ?? 'anything');
  return `    '${path}')
      if [[ $current == -* ]]; then flags=(${options.map(zshFlag).join(' ')}); _describe option flags
      else ${rest}
      fi ;;`;
}

function zshFlag({ long, description }: OptionNode): string {
  return zshEntry(long, description);
}

/** A colon ends the name. */
function zshEntry(name: string, description: string): string {
  return quoteInZsh(`${name.replaceAll(':', '\\:')}:${description}`);
}

function quoteInZsh(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function completeInZsh(value: Value): string {
  switch (value) {
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'route':
      return `compadd -- \${(f)"$(kazoo-relay config routes $config 2>/dev/null)"}`;
    case 'former-route':
      return `compadd -- \${(f)"$(kazoo-relay config routes --former $config 2>/dev/null)"}`;
    case 'anything':
      return ':';
    default:
      return `compadd -- ${value.join(' ')}`;
  }
}

/** A script for fish: to be put into ~/.config/fish/completions as kazoo-relay.fish, or sourced. */
export function fishScript(tree: readonly CommandNode[]): string {
  return `# kazoo-relay completion fish
function __kazoo_relay_at
    set -l place ''
    for word in (commandline -opc)[2..]
        switch "$place/$word"
${tree.flatMap(fishSteps).join('\n')}
        end
    end
    test "$place" = "$argv[1]"
end
function __kazoo_relay_routes
    set -l words (commandline -opc)
    set -l at (contains -i -- --config $words; or contains -i -- -c $words)
    and set -l config --config $words[(math $at + 1)]
    kazoo-relay config routes $argv $config 2>/dev/null
end
complete -c kazoo-relay -f
${tree.flatMap(fishLines).join('\n')}
`;
}

function fishSteps({ path, commands }: CommandNode): string[] {
  return commands.map(
    ({ name }) => `            case '${path}/${name}'\n                set place '${`${path} ${name}`.trim()}'`,
  );
}

function fishLines(node: CommandNode): string[] {
  const at = `complete -c kazoo-relay -n '__kazoo_relay_at "${node.path}"'`;
  const commands = node.commands.map(({ name, description }) => `${at} -a ${name} -d ${quoteInFish(description)}`);
  const argument = node.argument === null ? [] : [`${at} ${completeInFish(node.argument)}`];
  return [...commands, ...node.options.map((option) => `${at} ${fishFlags(option)}`), ...argument];
}

function fishFlags({ short, long, description, value }: OptionNode): string {
  const names = [`-l ${long.replace(/^--/, '')}`, ...(short === undefined ? [] : [`-s ${short.replace(/^-/, '')}`])];
  return [...names, `-d ${quoteInFish(description)}`, ...(value === null ? [] : [`-r ${completeInFish(value)}`])].join(
    ' ',
  );
}

function completeInFish(value: Value): string {
  switch (value) {
    case 'file':
      return '-F';
    case 'folder':
      return "-a '(__fish_complete_directories)'";
    case 'route':
      return "-f -a '(__kazoo_relay_routes)'";
    case 'former-route':
      return "-f -a '(__kazoo_relay_routes --former)'";
    case 'anything':
      return '-f';
    default:
      return `-f -a ${quoteInFish(value.join(' '))}`;
  }
}

function quoteInFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
