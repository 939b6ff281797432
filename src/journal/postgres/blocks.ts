/** Places in a row that make a block: which events are in each is the index that leads to rare ones. */
export const blockSize = 512;
