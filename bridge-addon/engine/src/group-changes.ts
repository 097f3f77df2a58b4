/** What happens to groups, by whomever: told from WhatsApp's own notifications, since Baileys' events leave half of it out. */

import type { BinaryNode, WASocket } from 'baileys'
import { bareJid, chatId, isGroup, isLid, personId, phoneOf } from './addresses.ts'
import { describe, log } from './log.ts'
import { identify } from './people.ts'
import { type GroupChanged, type GroupChangeName, rfc3339 } from './protocol.ts'

export type GroupTold = Omit<GroupChanged, 'account' | 'delivery' | 'backlog'> & { offline: boolean }

interface Change {
	change: GroupChangeName
	value?: string | null
	members?: BinaryNode[]
}

/** Several where one notification tells of several. */
export async function groupChanges(stanza: BinaryNode, socket: WASocket): Promise<GroupTold[]> {
	const { from = '', id = '', participant, participant_pn, participant_lid, t, offline } = stanza.attrs
	if (!isGroup(from)) return []
	const actor = participant
		? personId(await identify(socket, bareJid(participant), participant_pn || participant_lid))
		: null
	const told: GroupTold[] = []
	for (const node of childrenOf(stanza)) {
		const what = changeOf(node, participant)
		if (!what) continue
		const { change, value = null, members = [] } = what
		const people = await peopleOf(members, socket)
		told.push({
			chat: chatId(from, 'group'),
			message_id: told.length ? `${id}-${told.length}` : id,
			actor: actor ?? authorOf(node),
			change: change === 'removed' && people.length === 1 && people[0] === actor ? 'left' : change,
			members: change === 'added' && !members.length ? [ownId(socket)] : people,
			value,
			timestamp: rfc3339(Number(t) ? Number(t) * 1000 : Date.now()),
			offline: offline !== undefined
		})
	}
	return told
}

/** People in a group, with both of their addresses as far as WhatsApp tells them: what it tells is remembered. */
export async function rememberPairs(
	people: { jid?: string | undefined; other?: string | undefined }[],
	socket: WASocket
): Promise<void> {
	const pairs = people.flatMap(({ jid, other }) => {
		if (!jid || !other || isLid(jid) === isLid(other)) return []
		return [isLid(jid) ? { lid: bareJid(jid), pn: bareJid(other) } : { lid: bareJid(other), pn: bareJid(jid) }]
	})
	if (!pairs.length) return
	try {
		await socket.signalRepository.lidMapping.storeLIDPNMappings(pairs)
	} catch (error) {
		log('warning', 'addresses_not_kept', { error: describe(error) })
	}
}

async function peopleOf(members: BinaryNode[], socket: WASocket): Promise<string[]> {
	const named = members.map(({ attrs }) => ({ jid: attrs.jid, other: attrs.phone_number || attrs.lid }))
	await rememberPairs(named, socket)
	return Promise.all(
		named.flatMap(({ jid, other }) => (jid ? [identify(socket, bareJid(jid), other).then(personId)] : []))
	)
}

const childrenOf = ({ content }: BinaryNode): BinaryNode[] => (Array.isArray(content) ? content : [])
const named = (node: BinaryNode): BinaryNode[] => childrenOf(node).filter(({ tag }) => tag === 'participant')
const authorOf = ({ attrs }: BinaryNode): string | null => phoneOf(attrs.author)
const ownId = (socket: WASocket): string => phoneOf(socket.user?.id) ?? ''

function changeOf(node: BinaryNode, actor: string | undefined): Change | undefined {
	const { tag, attrs } = node
	switch (tag) {
		case 'create':
			// a group that is not new is one that we have been added to
			return attrs.type === 'new' ? createdBy(node) : { change: attrs.reason === 'invite' ? 'joined' : 'added' }
		case 'subject':
			return { change: 'subject', value: attrs.subject ?? null }
		case 'description':
			return { change: 'description', value: textOf(childrenOf(node).find(child => child.tag === 'body')) }
		case 'announcement':
		case 'not_announcement':
			return { change: 'announce', value: tag === 'announcement' ? 'on' : 'off' }
		case 'locked':
		case 'unlocked':
			return { change: 'locked', value: tag === 'locked' ? 'on' : 'off' }
		case 'invite':
			return { change: 'invite' }
		case 'set':
		case 'delete':
			return { change: 'picture', value: tag === 'set' ? 'changed' : 'removed' }
		case 'add':
			return { change: attrs.reason === 'invite' ? 'joined' : 'added', members: named(node) }
		case 'remove':
			return { change: 'removed', members: named(node) }
		case 'leave':
			return { change: 'left', members: named(node).length ? named(node) : actorNode(actor) }
		case 'promote':
			return { change: 'promoted', members: named(node) }
		case 'demote':
			return { change: 'demoted', members: named(node) }
		default:
			return undefined
	}
}

function createdBy(node: BinaryNode): Change {
	const group = childrenOf(node).find(({ tag }) => tag === 'group')
	return { change: 'created', value: group?.attrs.subject ?? null, members: group ? named(group) : [] }
}

const actorNode = (actor: string | undefined): BinaryNode[] =>
	actor ? [{ tag: 'participant', attrs: { jid: actor } }] : []

/** Empty where there is none any more. */
function textOf(node: BinaryNode | undefined): string {
	return node?.content === undefined || Array.isArray(node.content) ? '' : Buffer.from(node.content).toString()
}
