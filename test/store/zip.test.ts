import assert from 'node:assert/strict'
import { KissError } from '#kiss/errors.js'
import { openMember, type ArchiveFile } from '#kiss/store/zip.js'
import { bytes } from '../support/origin.js'
import { zip, type ZipMember } from '../support/zip.js'

const image = bytes('image', 700_000)
const text = Buffer.from('text that repeats, '.repeat(20_000))

function file(archive: Buffer): ArchiveFile {
  return {
    length: archive.length,
    // In pieces, as a file that another process reads may come.
    read: async (buffer, position) => archive.copy(buffer, 0, position, position + Math.min(buffer.length, 100_000)),
  }
}

async function read(archive: Buffer, path: string): Promise<Buffer> {
  const member = await openMember(file(archive), path, 'https://host/a.zip')
  const chunks: Buffer[] = []
  for await (const chunk of member.read()) chunks.push(chunk)
  const whole = Buffer.concat(chunks)
  assert.equal(whole.length, member.length)
  return whole
}

describe('a zip archive', () => {
  it('gives its stored, deflated and empty files', async () => {
    const archive = zip([
      { name: 'boot/Image', body: image, method: 0 },
      { name: 'boot/', body: Buffer.alloc(0), method: 0, mode: 0o40755 },
      { name: 'boot/text', body: text },
      { name: 'ümlaut', body: Buffer.alloc(0) },
    ])
    assert.deepEqual(await read(archive, 'boot/Image'), image)
    assert.deepEqual(await read(archive, 'boot/text'), text)
    assert.deepEqual(await read(archive, 'ümlaut'), Buffer.alloc(0))
  })

  it('answers 404 for a file that it does not have', async () => {
    await assert.rejects(read(zip([{ name: 'a', body: text }]), 'b'), { code: 'origin-refused', status: 404 })
  })

  it('is read in the time of its size, with 20,000 entries', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({ name: `file-${i}`, body: Buffer.from(`${i}`), method: 0 }))
    assert.equal((await read(zip(many), 'file-19999')).toString(), '19999')
  })

  const hostile: [name: string, members: ZipMember[], message: RegExp][] = [
    [
      'entries that overlap',
      [
        { name: 'a', body: text },
        { name: 'b', body: text, says: { offset: 10 } },
      ],
      /entries overlap/,
    ],
    [
      'two entries at one place',
      [
        { name: 'a', body: text },
        { name: 'b', body: text, says: { offset: 0 } },
      ],
      /entries overlap/,
    ],
    [
      'an absolute name',
      [
        { name: 'a', body: text },
        { name: '/etc/passwd', body: text },
      ],
      /absolute path: \/etc\/passwd/,
    ],
    [
      'a name of a Windows drive',
      [
        { name: 'a', body: text },
        { name: 'C:/a', body: text },
      ],
      /absolute path/,
    ],
    [
      'a name that climbs',
      [
        { name: 'a', body: text },
        { name: 'x/../../a', body: text },
      ],
      /relative path/,
    ],
    [
      'a name that climbs with backslashes',
      [
        { name: 'a', body: text },
        { name: '..\\a', body: text },
      ],
      /relative path/,
    ],
    [
      'a name twice',
      [
        { name: 'a', body: text },
        { name: 'a', body: image },
      ],
      /two files named a/,
    ],
    ['a bomb', [{ name: 'a', body: Buffer.alloc(20_000_000) }], /a is a bomb: \d+ bytes that inflate to 20000000/],
    [
      'a file that inflates to more than it says',
      [{ name: 'a', body: text, says: { size: 5 } }],
      /a\.zip: .*too many bytes/,
    ],
    [
      'a file that inflates to less than it says',
      [{ name: 'a', body: text, says: { size: 999_999 } }],
      /not enough bytes/,
    ],
    ['a file with another sum', [{ name: 'a', body: text, says: { crc: 1 } }], /a does not have the CRC-32/],
    ['an encrypted file', [{ name: 'a', body: text, flags: 1 }], /a is encrypted/],
    ['a file of another compression', [{ name: 'a', body: text, method: 12 }], /compressed with method 12/],
    ['a symbolic link', [{ name: 'a', body: Buffer.from('/etc/passwd'), method: 0, mode: 0o120777 }], /symbolic link/],
    [
      'a file that reaches into its directory',
      [{ name: 'a', body: Buffer.from('stored'), method: 0, says: { compressed: 30, size: 30 } }],
      /into its directory/,
    ],
    ['a file beyond its end', [{ name: 'a', body: text, says: { compressed: 1_000_000_000 } }], /beyond its end/],
  ]
  for (const [name, members, message] of hostile) {
    it(`with ${name} is refused`, async () => {
      await assert.rejects(read(zip(members), 'a'), (error: unknown) => {
        assert.ok(error instanceof KissError, String(error))
        assert.equal(error.code, 'origin-failed')
        assert.match(error.message, /^cannot read the archive https:\/\/host\/a\.zip: /)
        assert.match(error.message, message)
        return true
      })
    })
  }

  it('never gives the last bytes of a file with another sum', async () => {
    const member = await openMember(file(zip([{ name: 'a', body: image, says: { crc: 1 } }])), 'a', 'x')
    let length = 0
    await assert.rejects(async () => {
      for await (const chunk of member.read()) length += chunk.length
    })
    assert.ok(length < image.length)
  })

  for (const [name, archive] of [
    ['empty', Buffer.alloc(0)],
    ['no zip', Buffer.from('<html>'.repeat(1000))],
    ['cut', zip([{ name: 'a', body: image }]).subarray(0, 600_000)],
    ['without its beginning', zip([{ name: 'a', body: image }]).subarray(1000)],
  ] as const) {
    it(`that is ${name} is refused`, async () => {
      await assert.rejects(read(archive, 'a'), { code: 'origin-failed' })
    })
  }
})
