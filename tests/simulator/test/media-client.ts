/** Run by media.test.ts: a Baileys that tells the hash of each file it gets, and sends two when told to. */

import { createHash } from 'node:crypto'
import { downloadMediaMessage, type WAMessage } from 'baileys'
import { Client } from './baileys-client.ts'

const ALICE = '15551230001@s.whatsapp.net'
const say = (line: string) => process.stdout.write(`${line}\n`)

const client = new Client(process.argv[2] ?? '')
client.once('qr', qr => say(`qr ${qr}`))
client.on('open', () => say('open'))
client.on('message', (message: WAMessage) => {
	const kind = message.message?.imageMessage ? 'image' : 'document'
	downloadMediaMessage(message, 'buffer', {}).then(
		content => say(`received ${kind} ${createHash('sha256').update(content).digest('hex')}`),
		(error: unknown) => say(`failed ${String(error)}`)
	)
})
process.stdin.on('data', () => {
	const jpegThumbnail = ''
	const image = Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(50_000, 7)])
	client.socket
		.sendMessage(ALICE, { image, caption: 'a picture', jpegThumbnail, width: 1, height: 1 })
		.then(() =>
			client.socket.sendMessage(ALICE, {
				document: Buffer.alloc(200_000, 9),
				mimetype: 'application/pdf',
				fileName: 'report.pdf'
			})
		)
		.catch((error: unknown) => say(`failed ${String(error)}`))
})
process.stdin.on('end', () => process.exit(0))
