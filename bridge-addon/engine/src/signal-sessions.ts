/**
 * libsignal tries a message on each session that it has with a sender, the newest first, and keeps what a try in vain has changed in a session: the
 * next message of that session is then unreadable, for good. That happens whenever a new session was begun while a message of the old one was
 * on its way, as after each restart. Here each try works on a copy.
 */

import { SessionCipher } from 'libsignal'

/** What libsignal's types leave out (libsignal 6.0.0, src/session_cipher.js and src/session_record.js). */
interface Session {
	serialize(): object
	constructor: { deserialize(serialized: object): Session }
	pendingPreKey?: object
}
interface Cipher {
	decryptWithSessions(data: Buffer, sessions: Session[]): Promise<{ session: Session; plaintext: Buffer }>
}

const cipher = SessionCipher.prototype as unknown as Cipher
const decryptWithSessions = cipher.decryptWithSessions

cipher.decryptWithSessions = async function (this: Cipher, data, sessions) {
	for (const session of sessions.slice(0, -1)) {
		const copy = session.constructor.deserialize(session.serialize())
		try {
			const { plaintext } = await decryptWithSessions.call(this, data, [copy])
			delete session.pendingPreKey
			return { session: Object.assign(session, copy), plaintext }
		} catch {
			// another session may open it; where none does, the last one's error is told
		}
	}
	// nothing of the last one is kept where it fails: the record is not stored
	return decryptWithSessions.call(this, data, sessions.slice(-1))
}
