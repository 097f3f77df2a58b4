/** The simulated phones refuse what a real one refuses. Two of them talk to each other here, so each step can be spoiled. */

import '../src/quiet.ts'
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { proto } from 'baileys'
import { SignalDevice, unpad } from '../src/signal-device.ts'

const GROUP = '120363000000000001@g.us'
const text = (conversation: string) => ({ conversation })

let alice: SignalDevice
let bob: SignalDevice
beforeEach(async () => {
	alice = new SignalDevice()
	bob = new SignalDevice()
	await alice.begin('bob', bob.bundle())
})

const flip = (bytes: Buffer, at: number): Buffer => {
	const changed = Buffer.from(bytes)
	changed.writeUInt8(changed.readUInt8(changed.length + at) ^ 1, changed.length + at)
	return changed
}

test('what is right is decrypted, first and later ones', async () => {
	const first = await alice.encrypt('bob', text('hello'))
	assert.equal(first.type, 'pkmsg')
	assert.equal((await bob.decrypt('alice', first)).conversation, 'hello')
	await alice.decrypt('bob', await bob.encrypt('alice', text('hi')))
	const later = await alice.encrypt('bob', text('again'))
	assert.equal(later.type, 'msg')
	assert.equal((await bob.decrypt('alice', later)).conversation, 'again')
})

test('a message key is used once', async () => {
	const message = await alice.encrypt('bob', text('hello'))
	await bob.decrypt('alice', message)
	await assert.rejects(bob.decrypt('alice', message))
})

test('a changed MAC is refused, and the genuine message still works', async () => {
	await bob.decrypt('alice', await alice.encrypt('bob', text('hello')))
	await alice.decrypt('bob', await bob.encrypt('alice', text('hi')))
	const next = await alice.encrypt('bob', text('next'))
	await assert.rejects(bob.decrypt('alice', { ...next, ciphertext: flip(next.ciphertext, -3) }))
	assert.equal((await bob.decrypt('alice', next)).conversation, 'next')
})

test('a one-time pre-key that is unknown or used is refused', async () => {
	const first = await alice.encrypt('bob', text('hello'))
	await bob.decrypt('alice', first)
	const bundle = bob.bundle()
	await alice.begin('bob', { ...bundle, preKey: { id: 9999, publicKey: bundle.identity } })
	await assert.rejects(bob.decrypt('alice', await alice.encrypt('bob', text('x'))), /PreKey/)
})

test('a signed pre-key that the identity did not sign is refused', async () => {
	const bundle = bob.bundle()
	const forged = { ...bundle.signedPreKey, signature: flip(bundle.signedPreKey.signature, -10) }
	await assert.rejects(alice.begin('bob', { ...bundle, signedPreKey: forged }), /forged/)
	const foreign = { ...bundle.signedPreKey, publicKey: new SignalDevice().bundle().signedPreKey.publicKey }
	await assert.rejects(alice.begin('bob', { ...bundle, signedPreKey: foreign }), /forged/)
})

test('wrong padding is refused', () => {
	const message = Buffer.from(proto.Message.encode(text('hello')).finish())
	assert.equal(unpad(Buffer.concat([message, Buffer.from([2, 2])])).conversation, 'hello')
	for (const padding of [[0], [17], [2, 3], [3, 2, 3]]) {
		assert.throws(() => unpad(Buffer.concat([message, Buffer.from(padding)])), /padding/)
	}
})

test('a group message without its sender key is refused', () => {
	assert.throws(() => bob.decryptFromGroup(GROUP, 'alice', alice.encryptForGroup(GROUP, text('x'))), /no sender key/)
})

test('group messages: in any order, each once, with a genuine signature', () => {
	bob.takeSenderKey(GROUP, 'alice', alice.senderKeyDistribution(GROUP))
	const [one = Buffer.alloc(0), two = Buffer.alloc(0), three = Buffer.alloc(0)] = ['1', '2', '3'].map(word =>
		alice.encryptForGroup(GROUP, text(word))
	)
	assert.equal(bob.decryptFromGroup(GROUP, 'alice', two).conversation, '2')
	assert.equal(bob.decryptFromGroup(GROUP, 'alice', one).conversation, '1')
	assert.throws(() => bob.decryptFromGroup(GROUP, 'alice', one), /used already/)
	assert.throws(() => bob.decryptFromGroup(GROUP, 'alice', flip(three, -5)), /signature/)
	assert.throws(() => bob.decryptFromGroup(GROUP, 'alice', flip(three, -70)), /signature/)
	assert.equal(bob.decryptFromGroup(GROUP, 'alice', three).conversation, '3')
})
