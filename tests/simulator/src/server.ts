/** The WhatsApp endpoint: accepts clients, logs them in, and hands each stanza to whom it concerns. */

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { proto } from 'baileys'
import { WebSocketServer } from 'ws'
import { digits } from './addresses.ts'
import { AppState } from './app-state.ts'
import { Backlog } from './backlog.ts'
import { Calls } from './calls.ts'
import type { Faults } from './faults.ts'
import { Inbound } from './inbound.ts'
import { Link } from './link.ts'
import { MediaStore } from './media.ts'
import { uploadAgain } from './media-retry.ts'
import { type BinaryNode, child, firstChild, node, SERVER } from './nodes.ts'
import { ServerIdentity } from './noise.ts'
import { Outbound } from './outbound.ts'
import { PairingAttempt } from './pairing.ts'
import { PASSKEY_TAGS } from './passkey.ts'
import { takeChatState, takePresence, wentOffline } from './presence.ts'
import { answer, successNode } from './queries.ts'
import { QueryError } from './query-error.ts'
import { takeReadReceipt } from './read-receipts.ts'
import type { LinkedDevice, World } from './world.ts'

export class WhatsAppServer {
	readonly media: MediaStore
	readonly inbound: Inbound
	readonly outbound: Outbound
	readonly calls: Calls
	readonly appState: AppState
	readonly links = new Set<Link>()
	readonly attempts = new Map<Link, PairingAttempt>()
	private readonly world: World
	readonly backlog: Backlog
	private readonly identity = new ServerIdentity()
	private readonly http: Server
	private readonly sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024 })
	private readonly open = new Set<Socket>()

	constructor(world: World) {
		this.world = world
		this.media = new MediaStore(world)
		this.backlog = new Backlog(world, device => this.linkOf(device))
		this.appState = new AppState(world, this.backlog)
		this.inbound = new Inbound(world, this.backlog, this.appState)
		this.calls = new Calls(world, this.backlog)
		this.outbound = new Outbound(world, this.media, this.backlog)
		this.http = createServer((_request, response) => response.writeHead(404).end())
		this.http.on('connection', socket => {
			if (world.faults.refuse_connections) {
				socket.resetAndDestroy()
				return
			}
			this.open.add(socket)
			socket.on('close', () => this.open.delete(socket))
		})
		this.http.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head))
	}

	async start(port: number, mediaPort: number): Promise<void> {
		await this.media.start(mediaPort)
		await new Promise<void>(resolve => this.http.listen(port, '127.0.0.1', resolve))
	}

	get url(): string {
		return `ws://127.0.0.1:${(this.http.address() as AddressInfo).port}/ws/chat`
	}

	async stop(): Promise<void> {
		for (const socket of this.open) socket.destroy()
		await this.media.stop()
		await new Promise(resolve => this.http.close(resolve))
	}

	linkOf(device: LinkedDevice): Link | undefined {
		return [...this.links].find(link => link.device === device)
	}

	/** Faults that happen at once; the lasting ones stand in the world. */
	setFaults(faults: Faults): void {
		if (this.world.faults.silent && !faults.silent) for (const link of this.links) if (link.silent) link.drop()
		this.world.faults = faults
		if (faults.silent) for (const link of this.links) link.silent = true
	}

	private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		const { upgrade_status: status } = this.world.faults
		if (status) {
			socket.end(`HTTP/1.1 ${status} Fault\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
			return
		}
		this.sockets.handleUpgrade(request, socket, head, websocket => {
			this.links.add(
				new Link(websocket, this.identity, this.world, {
					login: (link, payload) => this.login(link, payload),
					stanza: (link, stanza) => this.stanza(link, stanza),
					closed: link => {
						this.links.delete(link)
						if (link.device && !this.linkOf(link.device)) wentOffline(this.world, link.device)
						this.attempts.get(link)?.closed()
						this.attempts.delete(link)
					}
				})
			)
		})
	}

	private async login(link: Link, payload: proto.ClientPayload): Promise<void> {
		const { login_failure: failure, login_failure_expire: expire } = this.world.faults
		if (failure) {
			link.failure(failure, expire)
			return
		}
		if (payload.devicePairingData) {
			const attempt = new PairingAttempt(link, this.world, payload.devicePairingData)
			this.attempts.set(link, attempt)
			attempt.offerRefs()
			return
		}
		const device = this.world.linked.get(payload.device ?? 0)
		const known =
			device?.noiseKey.equals(link.clientNoiseKey) && String(payload.username) === digits(device.person.phone)
		if (!device || device.removed || !known) {
			link.failure(401)
			return
		}
		const older = this.linkOf(device)
		older?.streamError(440, node('conflict', { type: 'replaced' }))
		if (older) this.links.delete(older)
		link.device = device
		this.world.count('logins')
		link.send(successNode(device))
	}

	private async stanza(link: Link, stanza: BinaryNode): Promise<void> {
		switch (stanza.tag) {
			case 'iq':
				return this.iq(link, stanza)
			case 'message':
				if (link.device?.person !== this.world.owner) break
				return this.outbound.take(link, link.device, stanza)
			case 'receipt':
				return this.receipt(link, stanza)
			case 'ack':
				this.acknowledged(link, stanza)
				return
			case 'call':
				if (link.device) this.calls.take(link, stanza)
				return
			case 'presence':
				if (link.device) takePresence(this.world, link.device, stanza)
				return
			case 'chatstate':
				if (link.device) takeChatState(this.world, link.device, stanza)
				return
			case 'ib':
				return
		}
		this.world.violate('stanza', `unexpected: ${stanza.tag}`)
	}

	private async iq(link: Link, iq: BinaryNode): Promise<void> {
		const { id, type, xmlns } = iq.attrs
		const attempt = this.attempts.get(link)
		if (type === 'result' || type === 'error') {
			attempt?.takeSignature(iq)
			return
		}
		const asked = firstChild(iq)
		try {
			if (xmlns === 'md' && asked?.tag === 'link_code_companion_reg' && attempt) {
				const result = attempt.takeLinkCode(asked)
				if (typeof result === 'number') {
					const text = result === 429 ? 'rate-overlimit' : 'bad-request'
					throw new QueryError(result, text, this.world.faults.pairing_code_backoff)
				}
				link.send(node('iq', { from: SERVER, type: 'result', id }, result))
				return
			}
			if (xmlns === 'md' && asked && PASSKEY_TAGS.has(asked.tag) && attempt?.gate) {
				const result = attempt.gate.take(asked)
				if (typeof result === 'number') throw new QueryError(result, 'passkey refused')
				link.send(node('iq', { from: SERVER, type: 'result', id }, result))
				return
			}
			if (xmlns === 'w:p') {
				link.send(node('iq', { from: SERVER, type: 'result', id }))
				return
			}
			link.send(node('iq', { from: SERVER, type: 'result', id }, await answer(this.world, link, iq, this)))
			if (xmlns === 'passive' && asked?.tag === 'active') await this.activate(link)
		} catch (error) {
			if (!(error instanceof QueryError)) throw error
			const backoff = error.backoff === undefined ? undefined : String(error.backoff)
			const attrs = { code: String(error.code), text: error.message, backoff }
			link.send(node('iq', { from: SERVER, type: 'error', id }, [node('error', attrs)]))
		}
	}

	private async activate(link: Link): Promise<void> {
		if (!link.device || link.active) return
		if (!link.device.greeted) {
			link.device.greeted = true
			await this.inbound.greet(link.device)
		}
		this.backlog.atLogin(link, link.device)
		link.active = true
	}

	/** A receipt is also the client's acknowledgement of a message. */
	private async receipt(link: Link, stanza: BinaryNode): Promise<void> {
		const { id, type, to, participant } = stanza.attrs
		link.send(node('ack', { class: 'receipt', id, type, from: to, participant }))
		if (!link.device || !id) return
		this.backlog.answered(link.device, stanza)
		this.world.count(`receipts ${type ?? 'delivery'}`)
		if (type === 'retry') {
			if (!child(stanza, 'retry')) this.world.violate('receipt', 'a retry without its node')
			await this.inbound.resend(link.device, stanza)
		} else if (type === 'read' || type === 'read-self') {
			takeReadReceipt(this.world, stanza)
		} else if (type === 'server-error') {
			const answer = uploadAgain(this.world, this.media, stanza)
			if (answer) link.send(answer)
		}
	}

	private acknowledged(link: Link, stanza: BinaryNode): void {
		const { id, class: kind, error } = stanza.attrs
		if (!link.device || !id) return
		this.backlog.answered(link.device, stanza)
		if (kind === 'message' && error) this.world.count(`nacks ${error}`)
	}

	/** All linked devices are removed on their phones. */
	unlink(): void {
		for (const device of this.world.linked.values()) {
			device.removed = true
			this.linkOf(device)?.streamError(401, node('conflict', { type: 'device_removed' }))
		}
	}

	/** Whoever is being paired now; the newest, where there are several. */
	newestAttempt(): PairingAttempt | undefined {
		return [...this.attempts.values()].at(-1)
	}

	isOnline(device: LinkedDevice): boolean {
		return this.linkOf(device)?.active ?? false
	}
}
