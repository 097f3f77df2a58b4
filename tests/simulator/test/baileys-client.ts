/** A real, unmodified Baileys on in-memory keys, for the simulator's own tests. */

import '../src/quiet.ts'
import { EventEmitter, once } from 'node:events'
import makeWASocket, {
	type AuthenticationState,
	Browsers,
	type ConnectionState,
	initAuthCreds,
	type SignalDataSet,
	type SignalDataTypeMap,
	type WABrowserDescription,
	type WAMessage,
	type WASocket
} from 'baileys'
import type { SimulatorProcess } from './simulator-process.ts'

/** Baileys leaves the time limits of its races behind, for up to a minute: they must not hold a test's process. */
const startTimer = globalThis.setTimeout
globalThis.setTimeout = Object.assign(
	(...args: Parameters<typeof startTimer>) => startTimer(...args).unref(),
	startTimer
) as typeof startTimer

const silentLogger = {
	level: 'silent',
	child: () => silentLogger,
	trace() {},
	debug() {},
	info() {},
	warn() {},
	error() {}
}

function memoryKeys(): AuthenticationState['keys'] {
	const store = new Map<string, unknown>()
	return {
		async get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]) {
			const found: { [id: string]: SignalDataTypeMap[T] } = {}
			for (const id of ids) {
				const value = store.get(`${type} ${id}`)
				if (value !== undefined) found[id] = value as SignalDataTypeMap[T]
			}
			return found
		},
		async set(data: SignalDataSet) {
			for (const [type, entries] of Object.entries(data)) {
				for (const [id, value] of Object.entries(entries ?? {})) {
					if (value) store.set(`${type} ${id}`, value)
					else store.delete(`${type} ${id}`)
				}
			}
		}
	}
}

export class Client extends EventEmitter {
	readonly auth: AuthenticationState = { creds: initAuthCreds(), keys: memoryKeys() }
	readonly messages: WAMessage[] = []
	readonly closes: number[] = []
	socket!: WASocket
	/** Connect again by itself after these codes. */
	reconnects = [515]
	private readonly url: string
	private readonly browser: WABrowserDescription

	constructor(url: string, browser = Browsers.ubuntu('Chrome')) {
		super()
		this.setMaxListeners(50)
		this.url = url
		this.browser = browser
		this.connect()
	}

	/** A client that the simulated phone has linked. */
	static async paired(simulator: SimulatorProcess): Promise<Client> {
		const client = new Client(simulator.url)
		const qr = await client.next<string>('qr')
		const opened = client.next('open')
		await simulator.call('POST', '/mock-phone/scan-qr', qr)
		await opened
		return client
	}

	connect(): void {
		this.socket = makeWASocket({
			auth: this.auth,
			logger: silentLogger,
			waWebSocketUrl: this.url,
			browser: this.browser,
			syncFullHistory: false,
			markOnlineOnConnect: false,
			cachedGroupMetadata: async () => undefined,
			getMessage: async key => this.sent.get(key.id ?? '')
		})
		this.socket.ev.on('creds.update', update => Object.assign(this.auth.creds, update))
		this.socket.ev.on('messages.upsert', ({ messages, type }) => {
			for (const message of messages) {
				const ownSend = type === 'append' && message.key.fromMe
				if (!message.message || ownSend) continue
				this.messages.push(message)
				this.emit('message', message)
			}
		})
		this.socket.ev.on('messages.update', updates => {
			for (const update of updates) this.emit('status', update)
		})
		this.socket.ev.on('connection.update', update => this.follow(update))
	}

	readonly sent = new Map<string, NonNullable<WAMessage['message']>>()

	private follow(update: Partial<ConnectionState>): void {
		if (update.qr) this.emit('qr', update.qr)
		if (update.connection === 'open') this.emit('open')
		if (update.connection !== 'close') return
		const error = update.lastDisconnect?.error as { output?: { statusCode: number } } | undefined
		const code = error?.output?.statusCode ?? 0
		this.closes.push(code)
		this.emit('close', code)
		if (this.reconnects.includes(code)) this.connect()
	}

	async next<T>(event: string, limit = 10_000): Promise<T> {
		const [value] = await once(this, event, { signal: AbortSignal.timeout(limit) })
		return value as T
	}

	async send(jid: string, text: string, messageId?: string): Promise<string> {
		const message = await this.socket.sendMessage(jid, { text }, messageId ? { messageId } : {})
		if (message?.message) this.sent.set(message.key.id ?? '', message.message)
		return message?.key.id ?? ''
	}

	async end(): Promise<void> {
		this.reconnects = []
		await this.socket.end(undefined)
	}
}
