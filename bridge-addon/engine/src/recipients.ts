/** From a chat id to the jid that WhatsApp knows: a phone number is asked for once, since a message to nobody is "sent" all the same. */

import type { WASocket } from 'baileys'
import { jidOf } from './addresses.ts'
import { BoundedCache } from './bounded-cache.ts'
import { EngineError } from './protocol.ts'

const KNOWN = 5_000
const ABSENT_FOR_MS = 10 * 60_000

export class Recipients {
	private readonly present = new BoundedCache<string>(KNOWN)
	private readonly absent = new BoundedCache<number>(KNOWN)

	/** Throws `recipient_not_on_whatsapp`; `not_connected` where WhatsApp did not answer. */
	async resolve(socket: WASocket, chat: string): Promise<string> {
		if (!chat.startsWith('+')) return jidOf(chat)
		const known = this.present.get(chat)
		if (known) return known
		if ((this.absent.get(chat) ?? 0) > Date.now()) throw notOnWhatsApp()
		const mapped = await socket.authState.keys.get('lid-mapping', [chat.slice(1)])
		if (mapped[chat.slice(1)]) return this.remember(chat, jidOf(chat))
		const answer = await socket.onWhatsApp(chat.slice(1))
		if (!answer) throw new EngineError('not_connected', 'WhatsApp did not say whether the number is registered')
		const found = answer.find(({ exists }) => exists)
		if (!found) {
			this.absent.set(chat, Date.now() + ABSENT_FOR_MS)
			throw notOnWhatsApp()
		}
		return this.remember(chat, found.jid)
	}

	private remember(chat: string, jid: string): string {
		this.present.set(chat, jid)
		return jid
	}
}

const notOnWhatsApp = () => new EngineError('recipient_not_on_whatsapp', 'this number is not on WhatsApp')
