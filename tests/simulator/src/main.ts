import './quiet.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startControl } from './control.ts'
import { WhatsAppServer } from './server.ts'
import { OWNER_PHONE, World } from './world.ts'

const { values } = parseArgs({
	options: { port: { type: 'string', default: '0' }, 'media-port': { type: 'string', default: '0' } }
})
const folder = mkdtempSync(join(tmpdir(), 'whatsapp-simulator-'))
const certificate = join(folder, 'media-ca.pem')
const world = new World()
const server = new WhatsAppServer(world)
await server.start(Number(values.port), Number(values['media-port']))
writeFileSync(certificate, server.media.certificate)
await server.appState.nameOwner(world.owner.name)
const control = await startControl(world, server, 0)

async function stop(): Promise<void> {
	rmSync(folder, { recursive: true, force: true })
	control.http.closeAllConnections()
	control.http.close()
	await server.stop()
	process.exit(0)
}

process.on('SIGTERM', stop)
process.on('SIGINT', stop)
process.stdin.on('end', stop).resume()
process.stdout.write(
	`${JSON.stringify({ control_url: control.url, whatsapp_url: server.url, certificate, phone: OWNER_PHONE })}\n`
)
