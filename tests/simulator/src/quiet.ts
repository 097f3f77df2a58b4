/** libsignal prints sessions with their private keys: nothing that it says may reach our output. Imported first. */

const silent = () => undefined
console.info = silent
console.warn = silent
console.error = silent
