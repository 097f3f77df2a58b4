import type { WASocket } from 'baileys'
import { lidOf } from '../addresses.ts'

/**
 * Baileys gives each person we write to a privacy token once a week, and means to remember that it did, but that write is lost in a finished
 * transaction: without this it would ask WhatsApp anew for every message.
 */
export async function rememberToken(socket: WASocket, jid: string): Promise<void> {
	const lid = lidOf(jid) ? jid : await socket.signalRepository.lidMapping.getLIDForPN(jid)
	if (!lid) return
	const { keys } = socket.authState
	const { [lid]: known } = await keys.get('tctoken', [lid])
	if (known?.senderTimestamp) return
	await keys.set({
		tctoken: { [lid]: { token: Buffer.alloc(0), ...known, senderTimestamp: Math.floor(Date.now() / 1000) } }
	})
}
