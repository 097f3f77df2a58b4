/** A paired engine and its simulator for the tests of sending, and what each phone decrypted of a message. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Received, SimulatorProcess } from '../simulator/test/simulator-process.ts'
import { EngineProcess, messageId, pair, temporaryFolder } from './engine-process.ts'
import { mediaFile, type MediaFile } from './media-files.ts'
import { assertFollowsProtocol } from './protocol-schema.ts'

export const [ALICE, BOB, STRANGER] = ['+15551230001', '+15551230002', '+15559990000'] as const
export const OWNER = '+15550001000'

export interface Beside {
	id?: string
	quote?: object
	mentions?: string[]
	forwarded?: boolean
	audience?: string[]
	timeout?: number
}

export class SendingStack {
	readonly simulator: SimulatorProcess
	readonly aliceLid: string
	engine: EngineProcess
	private readonly folder: ReturnType<typeof temporaryFolder>

	private constructor(
		simulator: SimulatorProcess,
		engine: EngineProcess,
		folder: ReturnType<typeof temporaryFolder>,
		aliceLid: string
	) {
		this.simulator = simulator
		this.engine = engine
		this.folder = folder
		this.aliceLid = aliceLid
	}

	/** Alice has two devices, Bob one. */
	static async start(): Promise<SendingStack> {
		const folder = temporaryFolder()
		const simulator = await SimulatorProcess.start()
		const engine = await EngineProcess.start(folder.path, simulator)
		await pair(engine, simulator)
		const { lid } = await simulator.contact(ALICE, { devices: 2 })
		await simulator.contact(BOB)
		return new SendingStack(simulator, engine, folder, lid)
	}

	async restartEngine(): Promise<void> {
		await this.engine.stop()
		this.engine = await EngineProcess.start(this.folder.path, this.simulator)
		await this.engine.call('account.start', { account: 'home' })
		await this.engine.state('connected')
	}

	/** Changes the account's store between two of its runs. */
	async tamper(sql: string): Promise<void> {
		await this.engine.call('account.stop', { account: 'home' })
		const database = new DatabaseSync(join(this.folder.path, 'accounts/home/session.db'))
		database.exec(sql)
		database.close()
		const { mark } = this.engine
		await this.engine.call('account.start', { account: 'home' })
		await this.engine.state('connected', mark)
	}

	async stop(): Promise<void> {
		await this.engine.stop()
		await this.simulator.stop()
		this.folder.remove()
	}

	send = (to: string, content: object, { id = messageId(), timeout = 20.0005, ...beside }: Beside = {}) =>
		this.engine.call('message.send', order(to, content, id, timeout, beside))

	file = (mimetype: Parameters<typeof mediaFile>[1], told: Record<string, unknown> = {}): MediaFile =>
		mediaFile(this.folder.path, mimetype, told)

	/** A name in the test's own folder. */
	path = (name: string): string => join(this.folder.path, name)

	byAlice = (id: string) => decrypted(after => this.simulator.received(ALICE, after), id)
	byOwnPhone = (id: string) => decrypted(after => this.simulator.ownPhone(after), id)

	/** Sends it, and expects it at the contact and on the owner's phone. Returns its id. */
	async arrives(to: string, content: object, expected: object, beside: Beside = {}): Promise<string> {
		const id = beside.id ?? messageId()
		assertFollowsProtocol('message.send params', order(to, content, id, 20, beside))
		const { violations: before } = await this.simulator.state()
		await this.send(to, content, { ...beside, id })
		for (const message of [await this.byAlice(id), await this.byOwnPhone(id)])
			assert.deepEqual(message.content, expected)
		const { violations } = await this.simulator.state()
		assert.deepEqual(violations.slice(before.length), [], 'what a phone or WhatsApp would have refused')
		return id
	}

	async uploads(): Promise<number> {
		const { counts } = await this.simulator.state()
		return (counts['uploads to 127.0.0.1'] ?? 0) + (counts['uploads to localhost'] ?? 0)
	}
}

function order(to: string, content: object, message_id: string, timeout: number, beside: Beside): object {
	const { quote, mentions, forwarded, audience } = beside
	return { account: 'home', message_id, to, content, timeout, quote, mentions, forwarded, audience }
}

/** What came into a list under this id. */
export async function decrypted(list: (after: number) => Promise<Received[]>, id: string): Promise<Received> {
	for (let after = -1; ;) {
		const messages = await list(after)
		const found = messages.find(({ message_id }) => message_id === id)
		if (found) return found
		assert.ok(messages.length, 'it did not come')
		after = messages.at(-1)?.index ?? after
	}
}
