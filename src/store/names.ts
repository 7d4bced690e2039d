/**
 * Names: entries whose body is the URL of another entry, which has the content. All names of one content therefore share
 * one entry and one body. A name is stored, validated, kept private and evicted as any entry is; it is neither listed nor
 * counted, because it has no content of its own.
 */

/** The `source` of a name. Kiss itself says where bytes come from, so that no origin can make a name. */
export const NAME = 'name'

export function isName({ source }: { readonly source?: string | undefined }): boolean {
  return source === NAME
}
