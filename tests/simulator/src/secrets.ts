/** How answers to polls and events are hidden from the server: AES-256-GCM under a key of the poll's secret, its creator and who answers. */

import { createCipheriv, createHmac, randomBytes } from 'node:crypto'

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
	const cipher = createCipheriv('aes-256-gcm', key, encIv).setAAD(Buffer.from(`${id}\0${writer}`))
	return { encIv, encPayload: Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]) }
}
