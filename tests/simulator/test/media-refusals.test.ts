/** The media host and the simulated phones refuse what does not fit together. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { MediaStore, openMedia } from '../src/media.ts'
import { World } from '../src/world.ts'

const store = new MediaStore(new World())
let sealed: ReturnType<MediaStore['seal']>
before(async () => {
	await store.start(0)
	sealed = store.seal('Image', randomBytes(1000))
})
after(() => store.stop())

const refused = (changed: object, why: RegExp) =>
	assert.throws(() => openMedia(store, 'Image', { ...sealed, fileLength: 1000, ...changed }), why)

test('what fits is opened', () => {
	const opened = openMedia(store, 'Image', { ...sealed, fileLength: 1000 })
	assert.deepEqual([opened.sha256, opened.size], [Buffer.from(sealed.fileSha256 ?? []).toString('hex'), 1000])
})

test('another key, kind, hash or path is refused', () => {
	refused({ mediaKey: randomBytes(32) }, /MAC/)
	assert.throws(() => openMedia(store, 'Document', { ...sealed, fileLength: 1000 }), /MAC/)
	refused({ fileSha256: randomBytes(32) }, /hash of the content/)
	refused({ fileEncSha256: randomBytes(32) }, /hash of the ciphertext/)
	refused({ directPath: '/v/nothing' }, /nothing was uploaded/)
	refused({ url: 'https://elsewhere/v' }, /address and path/)
	refused({ mediaKey: randomBytes(31) }, /32 bytes/)
})

test('a length that is not that of the content is refused', () => {
	refused({ fileLength: 999 }, /length/)
})
