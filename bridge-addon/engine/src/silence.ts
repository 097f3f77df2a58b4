/**
 * Imported before anything else: libsignal prints whole sessions with their private keys through the console, and stdout belongs to
 * the protocol. Nothing may be printed by the console at all.
 */

const silent = (): void => undefined
Object.assign(console, { log: silent, info: silent, warn: silent, error: silent, debug: silent, trace: silent })
process.removeAllListeners('warning')
