/** Where files of installed packages are. */

/**
 * The path of what `import(name)` would load beside `here`. Bundlers that find an import of `createRequire` take its calls for
 * modules that they must put into the bundle, and webpack puts nothing in the place of those that it does not understand.
 *
 * @param here `import.meta.url`, or a path; undefined in a CommonJS bundle.
 * @throws what Node throws if there is no such file, or no place to look from.
 */
export function resolvePackage(name: string, here: string | undefined): string {
  return process.getBuiltinModule('node:module').createRequire(here!).resolve(name)
}
