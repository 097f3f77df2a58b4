/** Where media goes. Asked of WhatsApp once for as long as its answer holds; Baileys' own way never recovers from one failed question. */

import { getBinaryNodeChild, getBinaryNodeChildren, type WASocket } from 'baileys'
import { EngineError } from './protocol.ts'

export interface MediaConnection {
	hosts: string[]
	auth: string
	until: number
}

export class MediaHosts {
	private known: MediaConnection | undefined

	async ask(socket: WASocket, fresh: boolean): Promise<MediaConnection> {
		if (this.known && !fresh && this.known.until > Date.now()) return this.known
		const content = [{ tag: 'media_conn', attrs: {} }]
		const answer = await socket.query({
			tag: 'iq',
			attrs: { to: '@s.whatsapp.net', type: 'set', xmlns: 'w:m' },
			content
		})
		const connection = getBinaryNodeChild(answer, 'media_conn')
		const hosts = getBinaryNodeChildren(connection, 'host').flatMap(({ attrs }) => attrs.hostname ?? [])
		if (!connection || !hosts.length) throw new EngineError('not_connected', 'WhatsApp named no media host')
		const { auth = '', ttl = '0' } = connection.attrs
		this.known = { hosts, auth, until: Date.now() + Number(ttl) * 1000 }
		return this.known
	}
}
