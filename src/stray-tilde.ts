/** A path in the home of somebody, as a shell has it: to the system, `~` is a folder of that name. */
export const strayTilde = /^~([^/]*\/|$)/;

/** What is to be said of such a path. */
export const strayTildeMessage = "can't begin with ~, which only a shell replaces: write the whole path";
