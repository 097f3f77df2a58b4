/** What the gateway may ask of WhatsApp: docs/engine-protocol.md. */

import { isAbsolute } from 'node:path'
import {
	bool,
	choice,
	flag,
	list,
	matching,
	nullable,
	optional,
	type ReadBy,
	type Reader,
	record,
	text
} from '../field-readers.ts'
import { ACCOUNT, invalid, MESSAGE_ID, PHONE } from '../parameters.ts'

const MOST_NUMBERS = 50
const MOST_READ = 100
const MOST_MEMBERS = 100
const GROUP_ID = /^group:[\d-]+$/
const PERSON_ID = /^(\+\d{5,15}|lid:\d+)$/
const PERSON_OR_GROUP = /^(\+\d{5,15}|lid:\d+|group:[\d-]+)$/

const account = matching(ACCOUNT)
const person = matching(PERSON_ID)
const chat = matching(PERSON_OR_GROUP)
const path: Reader<string> = (value, name) =>
	typeof value === 'string' && isAbsolute(value) ? value : invalid(`${name} is an absolute path`)

export const numbersQuestion = (params: unknown) =>
	record({ account, phones: list(matching(PHONE), 1, MOST_NUMBERS) })(params, 'params')

export const groupQuestion = (params: unknown) => record({ account, chat: matching(GROUP_ID) })(params, 'params')

const readMessage = record({ message_id: matching(MESSAGE_ID), author: nullable(person) })

export const readOrder = (params: unknown) =>
	record({ account, chat, messages: list(readMessage, 1, MOST_READ) })(params, 'params')

export const presenceOrder = (params: unknown) =>
	record({ account, chat, presence: choice(['typing', 'recording', 'paused']) })(params, 'params')

const profile = { name: text(1, 25), about: text(0, 139) }
export type ProfileUpdate = { [K in keyof typeof profile]?: ReadBy<(typeof profile)[K]> | undefined }

export function profileOrder(params: unknown) {
	const { account: id, ...read } = record({
		account,
		name: optional(profile.name),
		about: optional(profile.about)
	})(params, 'params')
	if ((read.name === undefined) === (read.about === undefined)) invalid('one change at a time')
	return { account: id, update: read as ProfileUpdate }
}

export const blockOrder = (params: unknown) => record({ account, chat: person, blocked: bool })(params, 'params')

export const callOrder = (params: unknown) => record({ account, call_id: text(1, 64) })(params, 'params')

const group = matching(GROUP_ID)
const subject = text(1, 100)
const people = list(person, 1, MOST_MEMBERS)

export const createOrder = (params: unknown) => record({ account, subject, members: people })(params, 'params')

const updates = {
	subject,
	description: text(0, 2_048),
	announce: bool,
	locked: bool
}
/** One of them; an empty description is none. */
export type GroupUpdate = { [K in keyof typeof updates]?: ReadBy<(typeof updates)[K]> | undefined }

export function updateOrder(params: unknown) {
	const {
		account: id,
		chat,
		...read
	} = record({
		account,
		chat: group,
		subject: optional(updates.subject),
		description: optional(updates.description),
		announce: optional(updates.announce),
		locked: optional(updates.locked)
	})(params, 'params')
	if (Object.values(read).filter(value => value !== undefined).length !== 1) invalid('one change at a time')
	return { account: id, chat, update: read as GroupUpdate }
}

const membersOrderOf = record({
	account,
	chat: group,
	action: choice(['add', 'remove', 'promote', 'demote']),
	members: people
})
export type MembersOrder = ReadBy<typeof membersOrderOf>
export const membersOrder = (params: unknown): MembersOrder => membersOrderOf(params, 'params')

export const inviteOrder = (params: unknown) => record({ account, chat: group, renew: flag })(params, 'params')

export const chatQuestion = (params: unknown) => record({ account, chat })(params, 'params')

export const pictureOrder = (params: unknown) => record({ account, chat, path, preview: flag })(params, 'params')
