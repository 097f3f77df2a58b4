import type { WASocket } from 'baileys'
import { bareJid } from '../addresses.ts'

/** Whoever has left a group must not read on: what is sent next has a new key, which the others are given. Baileys would keep the old one. */
export async function newSenderKey(group: string, socket: WASocket): Promise<void> {
	const { id, lid } = socket.user ?? {}
	const own = [id, lid].flatMap(jid => (jid ? [jid] : []))
	const names = own.map(jid => socket.signalRepository.jidToSignalProtocolAddress(jid).replace('.', '::'))
	const keys = Object.fromEntries(names.map(name => [`${bareJid(group)}::${name}`, null]))
	await socket.authState.keys.set({ 'sender-key': keys, 'sender-key-memory': { [group]: null } })
}
