const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const day = `(?:${days.join('|')})`;
const time = '(?:[01]\\d|2[0-3]):[0-5]\\d';

/** Days, hours, or both: `Mon-Fri 08:00-18:00`. */
export const hoursForm = new RegExp(`^(?=.)(?:(${day})(?:-(${day}))?)?(?:^| (?=\\d)|$)(?:(${time})-(${time}))?$`);

/**
 * Says whether a time, in Unix milliseconds, falls into such hours by the local clock; undefined where the text isn't
 * well-formed. Days and hours may go round: Fri-Mon, 22:00-06:00.
 */
export function readHours(text: string): ((time: number) => boolean) | undefined {
  const match = hoursForm.exec(text);
  if (match === null) return undefined;
  const [, firstDay = 'Sun', lastDay = match[1] ?? 'Sat', from = '00:00', to = '24:00'] = match;
  const isDay = between(days.indexOf(firstDay), days.indexOf(lastDay));
  const isHour = between(minutesOf(from), minutesOf(to) - 1);
  return (time) => {
    const at = new Date(time);
    return isDay(at.getDay()) && isHour(at.getHours() * 60 + at.getMinutes());
  };
}

function between(first: number, last: number): (value: number) => boolean {
  return first <= last ? (value) => value >= first && value <= last : (value) => value >= first || value <= last;
}

function minutesOf(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}
