/** How answers to polls and events are hidden from the server: AES-256-GCM under a key of the poll's secret, its creator and who answers. */

import { createHmac, randomBytes } from 'node:crypto'
import { sealGcm } from './noise.ts'

export interface Answer {
	/** of the poll or event */
	id: string
	/** `Poll Vote`, `Event Response` */
	use: string
	/** jids, in the chat's form */
	creator: string
	writer: string
}

const hmac = (key: Uint8Array, data: Uint8Array): Buffer => createHmac('sha256', key).update(data).digest()

export function sealed(secret: Uint8Array, { id, use, creator, writer }: Answer, content: Uint8Array) {
	const extracted = hmac(Buffer.alloc(32), secret)
	const key = hmac(extracted, Buffer.concat([Buffer.from(`${id}${creator}${writer}${use}`), Buffer.from([1])]))
	const encIv = randomBytes(12)
	return { encIv, encPayload: sealGcm(key, encIv, content, Buffer.from(`${id}\0${writer}`)) }
}
