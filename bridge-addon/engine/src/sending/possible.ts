/** What goes where. What WhatsApp would take and show to nobody is refused here. */

import { chatTypeOf } from '../addresses.ts'
import { EngineError } from '../protocol.ts'
import type { Kind, Order } from './order.ts'

const TO_CHANNELS: readonly Kind[] = ['text', 'image', 'video', 'edit', 'revoke']
const TO_STATUS: readonly Kind[] = ['text', 'image', 'video', 'voice']
const EDIT_LIMIT_MS = 15 * 60_000

export const notPossible = (why: string) => new EngineError('not_possible_here', why)

/** Throws `not_possible_here`. */
export function refuseImpossible({ to, content, quote, mentions, forwarded }: Order): void {
	const type = chatTypeOf(to)
	if (type === 'channel' && !TO_CHANNELS.includes(content.type))
		throw notPossible(`a channel takes no ${content.type} from a linked device`)
	if (type === 'status' && !TO_STATUS.includes(content.type)) throw notPossible(`a status post is no ${content.type}`)
	if (type !== 'channel' && type !== 'status') return
	if (quote || mentions.length || forwarded) throw notPossible(`a ${type} post has no quote, mentions or forward mark`)
	if ('view_once' in content && content.view_once) throw notPossible(`a ${type} post can be viewed again`)
	if ('album' in content && content.album) throw notPossible(`there are no albums in a ${type}`)
}

/** Throws `not_possible_here` where phones would ignore an edit of what was sent at this time. */
export function refuseLateEdit(sentAt: number): void {
	if (Date.now() - sentAt > EDIT_LIMIT_MS) throw notPossible('a message can be edited for 15 minutes')
}
