/** Status posts that somebody could not decrypt. Baileys sends them again to nobody, since it does not know whom they were for. */

import type { BinaryNode, WASocket } from 'baileys'
import { STATUS_JID } from '../addresses.ts'
import type { BoundedCache } from '../bounded-cache.ts'
import { describe, log } from '../log.ts'
import type { SessionStore } from '../session-store.ts'

const RETRIES = 2

export function answerStatusRetries(socket: WASocket, store: SessionStore, answered: BoundedCache<number>): void {
	socket.ws.on('CB:receipt,type:retry', ({ attrs }: BinaryNode) => {
		const { from, participant, id } = attrs
		if (from !== STATUS_JID || !participant || !id) return
		const times = answered.get(`${id} ${participant}`) ?? 0
		const kept = store.sent(id)
		if (times >= RETRIES || kept?.chat !== 'status') return
		answered.set(`${id} ${participant}`, times + 1)
		const resend = async () => {
			await socket.assertSessions([participant], true)
			await socket.relayMessage(STATUS_JID, kept.message, {
				messageId: id,
				statusJidList: [participant],
				useUserDevicesCache: false
			})
		}
		resend().catch((error: unknown) => log('warning', 'status_not_sent_again', { error: describe(error) }))
	})
}
