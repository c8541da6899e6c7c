/**
 * The exports of a package that was loaded by `import()`, of which one is given. Node gives those of a CommonJS package by name; a bundle
 * that esbuild has split gives them under `default` alone.
 */
export function namedExports<T extends object>(module: T, one: keyof T): T {
  return one in module ? module : ((module as T & { readonly default?: T }).default ?? module)
}
