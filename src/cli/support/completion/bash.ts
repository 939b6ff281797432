import { steps, values } from './arms.ts';
import type { CommandNode, Value } from './tree.ts';

/** A script for bash 4 or later. It needs nothing else, neither the package bash-completion. */
export function bashScript(tree: readonly CommandNode[]): string {
  return `# kazoo-relay completion bash
_kazoo_relay() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place= index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$place/\${COMP_WORDS[index]}" in
${tree.flatMap(steps).join('\n')}
    esac
  done
  COMPREPLY=()
  case "$place/$previous" in
${tree.flatMap((node) => values(node, complete)).join('\n')}
  esac
  case "$place" in
${tree.map(words).join('\n')}
  esac
}
_kazoo_relay_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }
_kazoo_relay_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$1"); }
_kazoo_relay_folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$1"); }
complete -F _kazoo_relay kazoo-relay
`;
}

/** Anywhere else: an option after a dash, else a command or an argument. */
function words({ path, commands, options, argument }: CommandNode): string {
  const flags = options.flatMap(({ short, long }) => (short === undefined ? [long] : [short, long]));
  const names = commands.map(({ name }) => name);
  const rest = names.length > 0 ? complete(names) : complete(argument ?? 'anything');
  return `    '${path}') if [[ $current == -* ]]; then ${complete(flags)}; else ${rest}; fi ;;`;
}

function complete(value: Value): string {
  switch (value) {
    case 'file':
      return '_kazoo_relay_files "$current"';
    case 'folder':
      return '_kazoo_relay_folders "$current"';
    case 'anything':
      return ':';
    default:
      return `_kazoo_relay_words '${value.join(' ')}' "$current"`;
  }
}
