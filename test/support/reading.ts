/** Readers for what an engine answers. */
import type { Artifact, Content, Engine, FetchRequest } from '#kiss/engine/types.js'

export async function readContent(content: Content, sent: (bytes: number) => void = () => undefined): Promise<Buffer> {
  const chunks: Buffer[] = []
  const buffer = Buffer.allocUnsafe(64 * 1024)
  for (let position = 0; ;) {
    const n = await content.read(buffer, position)
    if (n === 0) return Buffer.concat(chunks)
    chunks.push(Buffer.from(buffer.subarray(0, n)))
    position += n
    sent(n)
  }
}

/** Reads to the end and closes, as a client would. */
export async function readArtifact(artifact: Artifact): Promise<Buffer> {
  try {
    const body = await readContent(artifact.content, (n) => artifact.sent(n))
    await artifact.close('done')
    return body
  } catch (error) {
    await artifact.close('aborted')
    throw error
  }
}

/** Fetches and reads it all, and waits until it is stored; the body and how it was served. */
export async function fetchAll(
  engine: Engine,
  url: string,
  request: Omit<FetchRequest, 'url'> = {},
): Promise<{ as: Artifact['as']; body: Buffer; artifact: Artifact }> {
  const artifact = await engine.fetch({ ...request, url: new URL(url) })
  const body = await readArtifact(artifact)
  await artifact.finished()
  return { as: artifact.as, body, artifact }
}
