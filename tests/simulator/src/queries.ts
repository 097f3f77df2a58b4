/** What the server answers to iqs, by namespace. What it does not know is a violation and an error, never silence. */

import { lidJid, parseJid, phoneJid } from './addresses.ts'
import type { AppState } from './app-state.ts'
import type { Backlog } from './backlog.ts'
import { bundleNodes, preKeysOf, signedPreKeyIsGenuine, signedPreKeyOf } from './bundle.ts'
import { askedOfGroups, changedInGroups } from './group-queries.ts'
import { takeBundle } from './inbound.ts'
import type { Link } from './link.ts'
import type { MediaStore } from './media.ts'
import { type BinaryNode, child, childBytes, children, firstChild, node, seconds } from './nodes.ts'
import { picture } from './pictures.ts'
import { blockList, setAbout, setBlocked } from './profile.ts'
import { QueryError } from './query-error.ts'
import type { LinkedDevice, Person, World } from './world.ts'

export interface Question {
	world: World
	link: Link
	/** the linked device that asks; undefined while pairing */
	device: LinkedDevice
	iq: BinaryNode
	asked: BinaryNode | undefined
	media: MediaStore
	backlog: Backlog
	appState: AppState
}

export type Answer = BinaryNode[]

/** What is asked concerns them. */
export type Servers = Pick<Question, 'media' | 'backlog' | 'appState'>

export async function answer(world: World, link: Link, iq: BinaryNode, servers: Servers): Promise<Answer> {
	const asked = firstChild(iq)
	const { xmlns, type } = iq.attrs
	if (!link.device) throw new QueryError(401, `${xmlns} before login`)
	const question = { world, link, device: link.device, iq, asked, ...servers }
	const handler = handlers[`${xmlns} ${type}`]
	if (!handler) {
		world.violate('iq', `unknown: ${type} ${xmlns} ${asked?.tag ?? ''}`)
		throw new QueryError(501, 'feature-not-implemented')
	}
	return handler(question)
}

const handlers: Record<string, (question: Question) => Answer | Promise<Answer>> = {
	'w:p get': () => [],
	'passive set': () => [],
	'encrypt get': keys,
	'encrypt set': storeKeys,
	'usync get': usync,
	'abt get': () => [node('props', { protocol: '1', hash: 'sim', refresh: '86400' })],
	'w get': () => [node('props', { version: '1', hash: 'sim' })],
	'privacy get': () => [
		node(
			'privacy',
			{},
			['readreceipts', 'profile', 'status', 'online', 'last', 'groupadd'].map(name =>
				node('category', { name, value: 'all' })
			)
		)
	],
	'privacy set': ({ asked }) => [node(asked?.tag ?? 'tokens')],
	'blocklist get': blockList,
	'blocklist set': setBlocked,
	'w:sync:app:state set': question => question.appState.answer(question),
	'w:m set': ({ media: { host } }) => [
		node('media_conn', { auth: 'sim-auth', ttl: '3600', auth_ttl: '3600', max_buckets: '12' }, [
			node('host', { hostname: host, maxContentLengthBytes: '2147483648' }),
			node('host', { hostname: host.replace('127.0.0.1', 'localhost'), maxContentLengthBytes: '2147483648' })
		])
	],
	'w:g2 get': askedOfGroups,
	'w:g2 set': changedInGroups,
	'w:profile:picture get': picture,
	'w:mex get': () => [node('result', {}, Buffer.from(JSON.stringify({ data: {} })))],
	'w:stats set': () => [],
	'urn:xmpp:whatsapp:dirty set': () => [],
	'status set': setAbout,
	'md set': removeDevice
}

function keys({ world, device, asked }: Question): Answer {
	if (asked?.tag === 'count') return [node('count', { value: String(device.preKeys.length) })]
	if (asked?.tag === 'digest') {
		return [
			node('digest', {}, [
				node('registration'),
				node('type', {}, Buffer.from([5])),
				node('identity', {}, device.identity)
			])
		]
	}
	if (asked?.tag !== 'key') throw new QueryError(400, 'bad-request')
	const users = children(asked, 'user').map(({ attrs }) => {
		const { device: number } = parseJid(attrs.jid) ?? { device: 0 }
		const owner = world.person(attrs.jid)
		const found = owner?.devices.find(({ id }) => id === number)
		const linked = owner && world.companions(owner).find(({ id }) => id === number)
		if (linked) return node('user', { jid: attrs.jid }, bundleNodes(takeBundle(linked)))
		if (!found) return node('user', { jid: attrs.jid }, [node('error', { code: '404', text: 'item-not-found' })])
		world.count('bundles fetched')
		return node('user', { jid: attrs.jid }, bundleNodes(found.signal.bundle()))
	})
	return [node('list', {}, users)]
}

function storeKeys({ world, device, iq, asked }: Question): Answer {
	const rotated = asked?.tag === 'rotate'
	const signed = signedPreKeyOf(rotated ? asked : iq)
	if (!rotated && !childBytes(iq, 'identity').equals(device.identity))
		world.violate('pre-keys', 'another identity than at pairing')
	if (!signedPreKeyIsGenuine(device.identity, signed)) {
		world.violate('pre-keys', 'the signed pre-key is not signed by the identity')
		throw new QueryError(406, 'not-acceptable')
	}
	device.signedPreKey = signed
	if (rotated) return []
	const known = new Set(device.preKeys.map(({ id }) => id))
	device.preKeys.push(...preKeysOf(iq).filter(({ id }) => !known.has(id)))
	return []
}

function usync({ world, asked }: Question): Answer {
	const protocols = child(asked, 'query')?.content
	const names = Array.isArray(protocols) ? protocols.map(({ tag }) => tag) : []
	const users = children(child(asked, 'list'), 'user').flatMap(user => {
		const typedNumber = childBytes(user, 'contact').toString()
		const jid = user.attrs.jid ?? phoneJid(typedNumber)
		const person = world.person(jid)
		if (!person) return names.includes('contact') ? [node('user', { jid }, [node('contact', { type: 'out' })])] : []
		const parts = names.map(name => {
			if (name === 'devices') return node('devices', {}, [deviceList(world, person)])
			if (name === 'lid') return node('lid', { val: lidJid(person.lid) })
			if (name === 'status') return node('status', { t: seconds() }, Buffer.from(person.about))
			if (name === 'contact') return node('contact', { type: 'in' })
			return node(name)
		})
		return [node('user', { jid }, parts)]
	})
	world.count('usync')
	return [node('usync', { sid: asked?.attrs.sid, mode: 'query' }, [node('result'), node('list', {}, users)])]
}

function deviceList(world: World, person: Person): BinaryNode {
	const own = person.devices.map(({ id }) => id)
	const linked = world.companions(person).map(({ id }) => id)
	// a device other than the phone counts only with a key index
	const list = [...own, ...linked].map(id =>
		node('device', { id: String(id), 'key-index': id ? String(id) : undefined })
	)
	return node('device-list', {}, list)
}

function removeDevice({ link, device, asked }: Question): Answer {
	if (asked?.tag !== 'remove-companion-device') throw new QueryError(400, 'bad-request')
	device.removed = true
	setTimeout(() => link.drop(), 50)
	return []
}

/** What follows a login that succeeded. */
export const successNode = (device: LinkedDevice): BinaryNode =>
	node('success', {
		t: seconds(),
		lid: lidJid(device.person.lid, device.id),
		display_name: device.person.name,
		props: '27',
		companion_enc_static: 'sim',
		location: 'sim'
	})
