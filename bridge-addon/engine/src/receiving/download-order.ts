/** What the gateway asks for when it fetches a file: docs/engine-protocol.md, `media.download`. */

import { isAbsolute } from 'node:path'
import { matching, number, type ReadBy, record, text, whole } from '../field-readers.ts'
import { ACCOUNT, invalid, MESSAGE_ID } from '../parameters.ts'

const MAX_SIZE = 2 * 1024 ** 3
const MAX_WAIT = 600

const order = record({
	account: matching(ACCOUNT),
	message_id: matching(MESSAGE_ID),
	/** a file that is made */
	path: text(1, 4096),
	/** bytes */
	limit: whole(1, MAX_SIZE),
	/** seconds */
	timeout: number(1, MAX_WAIT)
})

export type DownloadOrder = ReadBy<typeof order>

export function downloadParams(params: unknown): DownloadOrder {
	const read = order(params, 'params')
	return isAbsolute(read.path) ? read : invalid('path is absolute')
}
