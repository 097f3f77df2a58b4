import './silence.ts'
import { Engine } from './engine.ts'
import { JsonRpc } from './json-rpc.ts'
import { describe, log } from './log.ts'

// Baileys leaves promises behind when a link dies; one of them must not end all accounts
process.on('unhandledRejection', error => log('warning', 'unhandled_rejection', { error: describe(error) }))
process.on('uncaughtException', error => {
	log('error', 'uncaught_exception', { error: describe(error) })
	process.exit(70)
})

const rpc = new JsonRpc(process.stdout)
const engine = new Engine(rpc.notify)
process.on('SIGTERM', () => process.stdin.destroy())
process.on('SIGINT', () => undefined)
try {
	await rpc.serve(process.stdin, engine.handlers)
} catch (error) {
	log('debug', 'input_ended', { error: describe(error) })
}
await engine.stop()
process.exit(0)
