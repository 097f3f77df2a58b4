/** One client's connection: frames and nodes in order, and which of our stanzas it still has to answer. */

import { decodeBinaryNode, encodeBinaryNode, type proto } from 'baileys'
import type { WebSocket } from 'ws'
import { answeredKey, type BinaryNode, firstChild, node, stanzaKey } from './nodes.ts'
import { NoiseServer, type ServerIdentity } from './noise.ts'
import type { LinkedDevice, World } from './world.ts'

/** After so long a stanza that got no answer is reported. */
const ANSWER_LIMIT = 2000
/** A client closes by itself when it has read a stream error; one that does not is cut off after so long. */
const CLOSE_DELAY = 1000

export interface LinkHandlers {
	login(link: Link, payload: proto.ClientPayload): Promise<void>
	stanza(link: Link, stanza: BinaryNode): Promise<void>
	closed(link: Link): void
}

export class Link {
	private readonly noise: NoiseServer
	private work: Promise<void> = Promise.resolve()
	private handshake: 'hello' | 'finish' | 'done' = 'hello'
	private readonly awaiting = new Map<string, { what: string; since: number }>()
	private nextId = 1
	/** the linked device that logged in here, or undefined while pairing */
	device: LinkedDevice | undefined
	/** Set by the first `active`: from then on messages are delivered. */
	active = false
	/** Half-open: what comes is not read, what goes is not sent. */
	silent = false
	readonly socket: WebSocket
	private readonly world: World
	private readonly handlers: LinkHandlers

	constructor(socket: WebSocket, identity: ServerIdentity, world: World, handlers: LinkHandlers) {
		this.socket = socket
		this.world = world
		this.handlers = handlers
		this.noise = new NoiseServer(identity)
		this.silent = world.faults.silent ?? false
		socket.on('message', data => {
			const bytes = Buffer.from(data as Buffer)
			this.work = this.work
				.then(() => this.take(bytes))
				.catch((error: unknown) => {
					world.violate('frame', String(error))
					this.drop()
				})
		})
		// what came before the end is read first
		socket.on('close', () => {
			this.work = this.work.then(() => handlers.closed(this))
		})
		socket.on('error', () => this.drop())
	}

	get clientNoiseKey(): Buffer {
		return this.noise.clientStatic
	}

	private async take(data: Buffer): Promise<void> {
		if (this.silent) return
		for (const frame of this.noise.frames(data)) {
			if (this.handshake === 'hello') {
				this.handshake = 'finish'
				this.write(this.noise.serverHello(frame))
			} else if (this.handshake === 'finish') {
				this.handshake = 'done'
				await this.handlers.login(this, this.noise.clientFinish(frame))
			} else {
				const stanza = await decodeBinaryNode(this.noise.openFrame(frame))
				for (const key of answeredKey(stanza)) this.awaiting.delete(key)
				await this.handlers.stanza(this, stanza)
			}
		}
	}

	private write(payload: Buffer): void {
		if (!this.silent && this.socket.readyState === this.socket.OPEN) this.socket.send(this.noise.frame(payload))
	}

	/** Sends a stanza; one that must be answered is remembered until it is. */
	send(stanza: BinaryNode): void {
		const { id, type } = stanza.attrs
		if (id && !this.silent && mustBeAnswered(stanza)) {
			const what = [stanza.tag, type, firstChild(stanza)?.tag].filter(Boolean).join(' ')
			this.awaiting.set(stanzaKey(stanza), { what, since: Date.now() })
		}
		this.write(Buffer.from(encodeBinaryNode(stanza)))
	}

	/** A new id for a stanza of ours. */
	id(): string {
		return `sim-${this.nextId++}`
	}

	/** Our stanzas that are overdue an answer. */
	unanswered(): string[] {
		const now = Date.now()
		return [...this.awaiting.values()].filter(({ since }) => now - since > ANSWER_LIMIT).map(({ what }) => what)
	}

	/** Cuts the connection without a word, as a lost network does. */
	drop(): void {
		this.socket.terminate()
	}

	streamError(code: number, child?: BinaryNode): void {
		this.send(node('stream:error', { code: String(code) }, child ? [child] : undefined))
		setTimeout(() => this.drop(), CLOSE_DELAY)
	}

	/** `expire`: the seconds that a temporary ban (402) lasts. */
	failure(reason: number, expire?: number): void {
		const lasts: Record<string, string> = expire === undefined ? {} : { code: '101', expire: String(expire) }
		this.send(node('failure', { reason: String(reason), location: 'sim', ...lasts }))
		setTimeout(() => this.drop(), CLOSE_DELAY)
		this.world.count(`failure ${reason}`)
	}
}

function mustBeAnswered({ tag, attrs }: BinaryNode): boolean {
	if (tag === 'iq') return attrs.type === 'set' || attrs.type === 'get'
	return tag === 'message' || tag === 'call' || tag === 'receipt' || tag === 'notification'
}
