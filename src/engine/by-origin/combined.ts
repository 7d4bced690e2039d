/** A stored beginning and the rest that an origin sent, as one answer: RFC 9111 §3.4. */

import { withoutFields } from '../../http/caching/fields.js'
import type { StoredAnswer } from '../../http/caching/types.js'
import type { OpenBlob } from '../../store/types.js'
import type { OriginAnswer } from '../../upstream/types.js'

/** Bytes read at once. */
const CHUNK = 256 * 1024

/** @param counted called with the number of bytes from the network; those of the blob were counted on arrival */
export function combined(
  blob: OpenBlob,
  { fields, part }: StoredAnswer,
  rest: OriginAnswer,
  counted: (bytes: number) => void,
): OriginAnswer {
  const kept = withoutFields({ ...fields, ...rest.headers }, 'content-range')
  const headers = { ...kept, ...(part?.length !== undefined && { 'content-length': String(part.length) }) }
  async function* body(): AsyncGenerator<Buffer> {
    try {
      for (let position = 0; ;) {
        const buffer = Buffer.allocUnsafe(CHUNK)
        const bytes = await blob.read(buffer, position)
        if (bytes === 0) break
        position += bytes
        yield buffer.subarray(0, bytes)
      }
      for await (const chunk of rest.body) {
        counted(chunk.length)
        yield chunk
      }
    } finally {
      await blob.close()
    }
  }
  const discard = async (): Promise<void> => {
    await rest.discard()
    await blob.close()
  }
  return {
    ...rest,
    status: 200,
    headers,
    kind: 'cache',
    body: { [Symbol.asyncIterator]: body },
    discard,
    excerpt: async () => {
      await discard()
      return ''
    },
  }
}
