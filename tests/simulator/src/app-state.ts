/**
 * What a phone and its linked devices keep in common: the address book, the owner's own name. The server keeps encrypted, numbered patches and
 * cannot read them; phone and devices have the key. Their code is Baileys' own: a fault that it makes in both directions is not seen here.
 */

import { randomBytes } from 'node:crypto'
import { type ChatMutationMap, decodePatches, encodeSyncdPatch, newLTHashState, proto } from 'baileys'
import { lidJid, phoneJid } from './addresses.ts'
import type { Backlog } from './backlog.ts'
import { type BinaryNode, child, children, node, SERVER, seconds } from './nodes.ts'
import type { Answer, Question } from './queries.ts'
import { QueryError } from './query-error.ts'
import type { LinkedDevice, Person, World } from './world.ts'

type Name = 'critical_block' | 'critical_unblock_low'
type State = ReturnType<typeof newLTHashState>

interface Collection {
	patches: Uint8Array[]
	state: State
}

/** The address book's name of somebody, or what the owner is called. */
interface Action {
	collection: Name
	index: string[]
	value: proto.ISyncActionValue
	version: number
}

export class AppState {
	readonly keyId = randomBytes(6)
	readonly keyData = proto.Message.AppStateSyncKeyData.fromObject({
		keyData: randomBytes(32),
		fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0] },
		timestamp: Date.now()
	})
	private readonly collections = new Map<string, Collection>()
	private work: Promise<unknown> = Promise.resolve()
	private readonly world: World
	private readonly backlog: Backlog

	constructor(world: World, backlog: Backlog) {
		this.world = world
		this.backlog = backlog
	}

	/** The phone writes somebody into its address book. */
	nameContact(person: Person, name: string): Promise<void> {
		return this.write({
			collection: 'critical_unblock_low',
			index: ['contact', phoneJid(person.phone)],
			value: { timestamp: Date.now(), contactAction: { fullName: name, lidJid: lidJid(person.lid) } },
			version: 2
		})
	}

	/** The owner is called otherwise, on the phone. */
	nameOwner(name: string): Promise<void> {
		this.world.owner.name = name
		const value = { timestamp: Date.now(), pushNameSetting: { name } }
		return this.write({ collection: 'critical_block', index: ['setting_pushName'], value, version: 1 })
	}

	private write({ collection: name, index, value, version }: Action): Promise<void> {
		return this.inTurn(async () => {
			const collection = this.collection(name)
			const { patch, state } = await encodeSyncdPatch(
				{ type: name, index, syncAction: value, apiVersion: version, operation: SET },
				this.keyId.toString('base64'),
				collection.state,
				async () => this.keyData
			)
			this.append(name, collection, patch, state, undefined)
		})
	}

	private append(
		name: string,
		collection: Collection,
		patch: proto.ISyncdPatch,
		state: State,
		author: LinkedDevice | undefined
	): void {
		collection.state = state
		collection.patches.push(proto.SyncdPatch.encode({ ...patch, version: { version: state.version } }).finish())
		for (const device of this.world.companions()) {
			if (device === author) continue
			const attrs = { type: 'server_sync', from: SERVER, id: String(randomBytes(5).readUIntBE(0, 5)), t: seconds() }
			this.backlog.deliver(
				device,
				node('notification', attrs, [node('collection', { name, version: String(state.version) })])
			)
		}
	}

	/** A linked device asks what is new, or writes. */
	answer({ asked, device }: Question): Promise<Answer> {
		return this.inTurn(async () => {
			const collections: BinaryNode[] = []
			for (const one of children(asked, 'collection')) collections.push(await this.ofCollection(one, device))
			return [node('sync', {}, collections)]
		})
	}

	private async ofCollection(asked: BinaryNode, device: LinkedDevice): Promise<BinaryNode> {
		const { name = '', version = '0' } = asked.attrs
		const collection = this.collection(name)
		const patch = child(asked, 'patch')
		if (patch) await this.take(name, collection, Number(version), patch, device)
		const missing = patch ? [] : collection.patches.slice(Number(version))
		const attrs = { name, version: String(collection.state.version), has_more_patches: 'false', type: 'result' }
		if (!missing.length) return node('collection', attrs)
		const patches = missing.map(bytes => node('patch', {}, Buffer.from(bytes)))
		return node('collection', attrs, [node('patches', {}, patches)])
	}

	/** The other devices read it, so it must be what they can: for the newest version, under the key, with right sums. */
	private async take(
		name: string,
		collection: Collection,
		version: number,
		patch: BinaryNode,
		device: LinkedDevice
	): Promise<void> {
		if (version !== collection.state.version) throw new QueryError(409, 'conflict')
		const decoded = proto.SyncdPatch.decode(patch.content as Uint8Array)
		const numbered = { ...decoded, version: { version: version + 1 } }
		const { state, mutationMap } = await decodePatches(
			name as Name,
			[numbered],
			collection.state,
			async id => (id === this.keyId.toString('base64') ? this.keyData : undefined) as typeof this.keyData,
			{},
			undefined,
			undefined,
			true
		)
		if (!Object.keys(mutationMap).length) {
			this.world.violate('app state', `${name}: a patch that no other device can read`)
			throw new QueryError(400, 'bad-request')
		}
		this.apply(mutationMap)
		this.append(name, collection, proto.SyncdPatch.decode(patch.content as Uint8Array), state, device)
	}

	private apply(mutations: ChatMutationMap): void {
		for (const { syncAction, index } of Object.values(mutations)) {
			const name = syncAction.value?.pushNameSetting?.name
			if (index[0] === 'setting_pushName' && name) this.world.owner.name = name
			else this.world.violate('app state', `a change of ${index[0]}`)
		}
	}

	private collection(name: string): Collection {
		const known = this.collections.get(name) ?? { patches: [], state: newLTHashState() }
		this.collections.set(name, known)
		return known
	}

	private inTurn<T>(work: () => Promise<T>): Promise<T> {
		const done = this.work.then(work)
		this.work = done.catch(() => undefined)
		return done
	}
}

const SET = proto.SyncdMutation.SyncdOperation.SET
