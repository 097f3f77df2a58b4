/** A link that comes up and breaks again and again rests; one that breaks now and then does not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Storm } from '../../bridge-addon/engine/src/storm.ts'

const MINUTE = 60_000

test('thirty logins in ten minutes: five minutes of rest, and then it counts anew', () => {
	const storm = new Storm()
	for (let login = 0; login < 29; login++) storm.loggedIn(login * 1_000)
	assert.equal(storm.rest(30_000), 0)
	storm.loggedIn(30_000)
	assert.equal(storm.rest(31_000), 5 * MINUTE)
	assert.equal(storm.rest(31_000), 0)
})

test('a link that breaks twice a minute all day long is no storm', () => {
	const storm = new Storm()
	for (let at = 0; at < 24 * 60 * MINUTE; at += MINUTE / 2) {
		storm.loggedIn(at)
		assert.equal(storm.rest(at + 1), 0)
	}
})

test('a clock that jumps by a day makes no storm', () => {
	const storm = new Storm()
	for (let login = 0; login < 60; login++) {
		storm.loggedIn(login % 2 ? login * MINUTE : login * MINUTE - 24 * 60 * MINUTE)
		assert.equal(storm.rest(login * MINUTE), 0)
	}
})
