/**
 * Takes the place of `curve25519-js` in the bundle. Its JavaScript needs some 10 ms for a signature, and every message to a group has one; the
 * Rust that Baileys brings along for other things needs a thirtieth. libsignal asks it for nothing else: Node agrees on keys.
 */

export { calculateSignature as sign, verifySignature as verify } from 'whatsapp-rust-bridge'
