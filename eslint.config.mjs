/** Lints the engine, its tests and the simulator; the tools are the engine's. */
import { createRequire } from 'node:module'

const requireFromEngine = createRequire(new URL('bridge-addon/engine/package.json', import.meta.url))
const eslint = requireFromEngine('@eslint/js')
const tseslint = requireFromEngine('typescript-eslint')

export default tseslint.config(
	{ ignores: ['**/dist/', '**/node_modules/', '.cache/', '.venv/'] },
	eslint.configs.recommended,
	...tseslint.configs.strict,
	{
		files: ['**/*.ts'],
		languageOptions: {
			parserOptions: {
				project: ['bridge-addon/engine/tsconfig.json', 'tests/simulator/tsconfig.json', 'benchmarks/bare/tsconfig.json'],
				tsconfigRootDir: import.meta.dirname
			}
		},
		rules: {
			'@typescript-eslint/no-floating-promises': [
				'error',
				{ allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test'] }] }
			],
			'@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
			'@typescript-eslint/no-empty-function': 'off',
			'no-console': 'error'
		}
	},
	{ files: ['**/silence.ts', '**/quiet.ts'], rules: { 'no-console': 'off' } },
	{ files: ['**/*.mjs'], languageOptions: { globals: { URL: 'readonly' } } }
)
