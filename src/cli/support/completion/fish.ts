import type { CommandNode, OptionNode, Value } from './tree.ts';

/** A script for fish: to be put into ~/.config/fish/completions as kazoo-relay.fish, or sourced. */
export function fishScript(tree: readonly CommandNode[]): string {
  return `# kazoo-relay completion fish
function __kazoo_relay_at
    set -l place ''
    for word in (commandline -opc)[2..]
        switch "$place/$word"
${tree.flatMap(steps).join('\n')}
        end
    end
    test "$place" = "$argv[1]"
end
complete -c kazoo-relay -f
${tree.flatMap(lines).join('\n')}
`;
}

function steps({ path, commands }: CommandNode): string[] {
  return commands.map(
    ({ name }) => `            case '${path}/${name}'\n                set place '${`${path} ${name}`.trim()}'`,
  );
}

function lines(node: CommandNode): string[] {
  const at = `complete -c kazoo-relay -n '__kazoo_relay_at "${node.path}"'`;
  const commands = node.commands.map(({ name, description }) => `${at} -a ${name} -d ${quote(description)}`);
  const argument = node.argument === null ? [] : [`${at} ${complete(node.argument)}`];
  return [...commands, ...node.options.map((option) => `${at} ${flags(option)}`), ...argument];
}

function flags({ short, long, description, value }: OptionNode): string {
  const names = [`-l ${long.replace(/^--/, '')}`, ...(short === undefined ? [] : [`-s ${short.replace(/^-/, '')}`])];
  return [...names, `-d ${quote(description)}`, ...(value === null ? [] : [`-r ${complete(value)}`])].join(' ');
}

function complete(value: Value): string {
  switch (value) {
    case 'file':
      return '-F';
    case 'folder':
      return "-a '(__fish_complete_directories)'";
    case 'anything':
      return '-f';
    default:
      return `-f -a ${quote(value.join(' '))}`;
  }
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
