export { close as default } from './host.ts';
