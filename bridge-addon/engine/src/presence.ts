/**
 * Typing, and who is online: ours towards others, others' towards us.
 *
 * WhatsApp passes both on only for who is online itself (whatsmeow, SubscribePresence), and a phone gets no notifications while a linked device
 * is: so we are online only while we type, or from when somebody's presence is asked for until the connection ends.
 */

import type { BinaryNode, WASocket } from 'baileys'
import { bareJid, chatId, chatType, personId } from './addresses.ts'
import { describe, log } from './log.ts'
import { identify } from './people.ts'
import { type PresenceChanged, type PresenceName, rfc3339 } from './protocol.ts'

export type OwnPresence = 'typing' | 'recording' | 'paused'

/** As long as phones show that somebody types without hearing more. */
const TYPING_LASTS_MS = 25_000

const STATES = {
	typing: { tag: 'composing', attrs: {} },
	recording: { tag: 'composing', attrs: { media: 'audio' } },
	paused: { tag: 'paused', attrs: {} }
} as const

export class Presence {
	private socket: WASocket | undefined
	private online = false
	private watching = false
	private typing: NodeJS.Timeout | undefined
	private readonly tell: (changed: Omit<PresenceChanged, 'account'>) => void

	constructor(tell: (changed: Omit<PresenceChanged, 'account'>) => void) {
		this.tell = tell
	}

	/** Begins anew on a new connection. */
	attach(socket: WASocket): void {
		this.end()
		this.socket = socket
		for (const event of ['CB:presence', 'CB:chatstate'])
			socket.ws.on(event, (stanza: BinaryNode) => {
				this.changed(stanza, socket).catch((error: unknown) =>
					log('warning', 'presence_not_told', { error: describe(error) })
				)
			})
	}

	/** The connection is over. */
	end(): void {
		clearTimeout(this.typing)
		this.socket = undefined
		this.online = false
		this.watching = false
	}

	/** Shows somebody that we type, record, or have stopped. */
	async send(jid: string, byLid: boolean, presence: OwnPresence, socket: WASocket): Promise<void> {
		const { id, lid } = socket.user ?? {}
		if (presence !== 'paused') await this.becomeOnline(socket)
		await socket.sendNode({
			tag: 'chatstate',
			attrs: { from: (byLid && lid) || id || '', to: jid },
			content: [STATES[presence]]
		})
		clearTimeout(this.typing)
		if (presence === 'paused') await this.becomeOffline(socket)
		else this.typing = setTimeout(() => void this.typingOver(socket), TYPING_LASTS_MS)
	}

	private async typingOver(socket: WASocket): Promise<void> {
		try {
			await this.becomeOffline(socket)
		} catch (error) {
			log('debug', 'presence_not_sent', { error: describe(error) })
		}
	}

	/** Asks WhatsApp to tell when somebody comes, goes or types. */
	async subscribe(jid: string, socket: WASocket): Promise<void> {
		this.watching = true
		await this.becomeOnline(socket)
		await socket.presenceSubscribe(jid)
	}

	private async becomeOnline(socket: WASocket): Promise<void> {
		if (this.online && this.socket === socket) return
		this.online = true
		await sendPresence('available', socket)
	}

	private async becomeOffline(socket: WASocket): Promise<void> {
		if (!this.online || this.watching || this.socket !== socket) return
		this.online = false
		await sendPresence('unavailable', socket)
	}

	private async changed(stanza: BinaryNode, socket: WASocket): Promise<void> {
		const { from = '', participant } = stanza.attrs
		const type = chatType(from)
		if (type !== 'person' && type !== 'group') return
		const person = personId(await identify(socket, bareJid(participant || from)))
		const told = stanza.tag === 'presence' ? ofPresence(stanza) : ofChatState(stanza)
		if (told) this.tell({ chat: type === 'group' ? chatId(from, type) : person, person, ...told })
	}
}

/** Not Baileys' own way, which also makes our receipts those of an active client: the phone would notify of nothing that it has read. */
async function sendPresence(type: 'available' | 'unavailable', socket: WASocket): Promise<void> {
	const name = socket.authState.creds.me?.name?.replaceAll('@', '')
	await socket.sendNode({ tag: 'presence', attrs: { type, ...(name ? { name } : {}) } })
}

type Told = Pick<PresenceChanged, 'presence' | 'last_seen'>

function ofPresence({ attrs }: BinaryNode): Told {
	const seconds = Number(attrs.last)
	return {
		presence: attrs.type === 'unavailable' ? 'unavailable' : 'available',
		last_seen: seconds > 0 ? rfc3339(seconds * 1000) : null
	}
}

function ofChatState({ content }: BinaryNode): Told | undefined {
	const [state] = Array.isArray(content) ? content : []
	if (state?.tag === 'paused') return { presence: 'paused', last_seen: null }
	if (state?.tag !== 'composing') return undefined
	const presence: PresenceName = state.attrs.media === 'audio' ? 'recording' : 'typing'
	return { presence, last_seen: null }
}
