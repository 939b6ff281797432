import { steps, values } from './arms.ts';
import type { CommandNode, OptionNode, Value } from './tree.ts';

/** A script for zsh: to be put into a folder of $fpath as _kazoo-relay, or sourced after compinit. */
export function zshScript(tree: readonly CommandNode[]): string {
  return `#compdef kazoo-relay
_kazoo_relay() {
  local curcontext="$curcontext" state
  typeset -A opt_args
  local previous=\${words[CURRENT-1]} current=\${words[CURRENT]} place= word
  for word in \${words[2,CURRENT-1]}; do
    case "$place/$word" in
${tree.flatMap(steps).join('\n')}
    esac
  done
  case "$place/$previous" in
${tree.flatMap((node) => values(node, complete)).join('\n')}
  esac
  local -a flags commands
  case "$place" in
${tree.map(described).join('\n')}
  esac
}
compdef _kazoo_relay kazoo-relay
# Where zsh loads this file as a function, this is its first call.
[[ $funcstack[1] == _kazoo-relay ]] && _kazoo_relay
`;
}

function described({ path, commands, options, argument }: CommandNode): string {
  const names = commands.map(({ name, description }) => entry(name, description)).join(' ');
  const rest =
    commands.length > 0 ? `commands=(${names}); _describe command commands` : complete(argument ?? 'anything');
  return `    '${path}')
      if [[ $current == -* ]]; then flags=(${options.map(flagEntry).join(' ')}); _describe option flags
      else ${rest}
      fi ;;`;
}

function flagEntry({ long, description }: OptionNode): string {
  return entry(long, description);
}

/** A colon ends the name. */
function entry(name: string, description: string): string {
  return quote(`${name.replaceAll(':', '\\:')}:${description}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function complete(value: Value): string {
  switch (value) {
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'anything':
      return ':';
    default:
      return `compadd -- ${value.join(' ')}`;
  }
}
