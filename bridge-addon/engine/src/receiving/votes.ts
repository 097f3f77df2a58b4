/**
 * Votes for polls and answers to events. They are encrypted under a secret of the poll's or the event's own, together with the jids of its creator and of who
 * answers: in the form of the chat, number or LID, which the answer does not say. So each is tried.
 */

import { createHash } from 'node:crypto'
import { decryptEventResponse, decryptPollVote, proto } from 'baileys'
import { type Person, personJids } from '../addresses.ts'
import { describe, log } from '../log.ts'
import type { EventResponse } from './contents.ts'
import type { Reading } from './reading.ts'

const { GOING, NOT_GOING, MAYBE } = proto.Message.EventResponseMessage.EventResponseType
const RESPONSES: Readonly<Record<number, EventResponse>> = {
	[GOING]: 'going',
	[NOT_GOING]: 'not_going',
	[MAYBE]: 'maybe'
}

/** All options that a voter chooses now, by name. Undefined where the poll is not known, or its secret does not open the vote. */
export async function choicesOf(
	{ pollCreationMessageKey: key, vote }: proto.Message.IPollUpdateMessage,
	reading: Reading
): Promise<string[] | undefined> {
	const asked = question(key, reading)
	const poll =
		asked?.message.pollCreationMessage ??
		asked?.message.pollCreationMessageV2 ??
		asked?.message.pollCreationMessageV3 ??
		asked?.message.pollCreationMessageV5
	if (!asked || !poll || !vote) return undefined
	const opened = unlock(asked, reading.sender, (pollCreatorJid, voterJid) =>
		decryptPollVote(vote, { pollCreatorJid, voterJid, pollMsgId: asked.id, pollEncKey: asked.secret })
	)
	if (!opened) return undefined
	const chosen = new Set((opened.selectedOptions ?? []).map(hash => Buffer.from(hash).toString('hex')))
	return (poll.options ?? []).flatMap(({ optionName }) =>
		optionName && chosen.has(createHash('sha256').update(optionName).digest('hex')) ? optionName : []
	)
}

/** Undefined where the event is not known, or its secret does not open the answer. */
export async function answerOf(
	{ eventCreationMessageKey: key, encPayload, encIv }: proto.Message.IEncEventResponseMessage,
	reading: Reading
): Promise<EventResponse | undefined> {
	const asked = question(key, reading)
	if (!asked?.message.eventMessage || !encPayload || !encIv) return undefined
	const opened = unlock(asked, reading.sender, (eventCreatorJid, responderJid) =>
		decryptEventResponse(
			{ encPayload, encIv },
			{ eventCreatorJid, responderJid, eventMsgId: asked.id, eventEncKey: asked.secret }
		)
	)
	return RESPONSES[opened?.response ?? 0]
}

interface Question {
	id: string
	message: proto.IMessage
	secret: Uint8Array
	creator: Person
}

function question(key: proto.IMessageKey | null | undefined, { store, own }: Reading): Question | undefined {
	const id = key?.id ?? ''
	const ours = store.sent(id)
	const theirs = ours ? undefined : store.received(id)
	const message = ours?.message ?? theirs?.message
	const secret = message?.messageContextInfo?.messageSecret
	return message && secret?.length ? { id, message, secret, creator: theirs?.author ?? own } : undefined
}

function unlock<T>(
	{ creator }: Question,
	answerer: Person,
	open: (creator: string, answerer: string) => T
): T | undefined {
	for (const creatorJid of personJids(creator)) {
		for (const answererJid of personJids(answerer)) {
			try {
				return open(creatorJid, answererJid)
			} catch (error) {
				log('debug', 'answer_not_opened', { error: describe(error) })
			}
		}
	}
	return undefined
}
