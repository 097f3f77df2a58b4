/** What a failed send means: the link's fault is tried again, WhatsApp's refusal and the message's own fault are not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendFailure } from '../../bridge-addon/engine/src/failures.ts'
import { EngineError } from '../../bridge-addon/engine/src/protocol.ts'

const OPEN = { ws: { isOpen: true } }
const GONE = { ws: { isOpen: false } }
/** As Baileys rejects. */
const boom = (statusCode: number, data?: number) =>
	Object.assign(new Error('of Baileys'), { output: { statusCode }, data })
const system = (code: string) => Object.assign(new Error(`write ${code}`), { code, syscall: 'write' })

for (const [name, error, link, code] of [
	['a write to a link that was reset', system('EPIPE'), OPEN, 'not_connected'],
	['a reset during a write', system('ECONNRESET'), OPEN, 'not_connected'],
	['a closing WebSocket', new Error('WebSocket is not open: readyState 2 (CLOSING)'), GONE, 'not_connected'],
	['the bare code of a close', 1006, OPEN, 'not_connected'],
	['Baileys: closed', boom(428), OPEN, 'not_connected'],
	['Baileys: no answer', boom(408), OPEN, 'not_connected'],
	['a refusal of WhatsApp', boom(500, 406), OPEN, 'message_rejected'],
	['a refusal of WhatsApp, read before the link went', boom(500, 406), GONE, 'message_rejected'],
	['an error of ours', new EngineError('media_unreadable', 'no file'), GONE, 'media_unreadable'],
	['anything else on a link that is up', new TypeError('no such field'), OPEN, 'internal_error'],
	['anything else on a link that is gone', new TypeError('no such field'), GONE, 'not_connected']
] as const) {
	test(`${name}: ${code}`, () => assert.equal(sendFailure(error, link).code, code))
}
