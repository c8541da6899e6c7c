/**
 * The exports of a package that was loaded by `import()`. Node gives those of a CommonJS package by name and as `default`; a bundle that
 * esbuild has split gives `default` alone.
 */
export function namedExports<T extends object>(module: T): T {
  return (module as T & { readonly default?: T }).default ?? module
}
