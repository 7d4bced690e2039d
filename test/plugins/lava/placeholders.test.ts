import assert from 'node:assert/strict'
import { placeholderIn } from '#lava/placeholders.js'

describe('placeholders', () => {
  const found: [string, string][] = [
    ['http://h/{ROOTFS}/x', '{ROOTFS}'],
    ['http://h/${BUILD}/x', '${BUILD}'],
    ['http://h/${BUILD', '${BUILD'],
    ['http://h/$BUILD/x', '$BUILD'],
    ['http://h/$(uname -m)/x', '$(uname -m)'],
    ['{{ base }}/x', '{{ base }}'],
    ['{{ base', '{{ base'],
    ['http://h/{{a}}{{b}}', '{{a}}'],
    ['http://h/{% if a %}x', '{% if a %}'],
    ['http://h/@BUILD@/x', '@BUILD@'],
    ['http://h/<the build>/x', '<the build>'],
    ['http://h/%(build)s/x', '%(build)s'],
    ['http://h/%(build)', '%(build)'],
    ['http://h/%BUILD%/x', '%BUILD%'],
    ['http://h/%DEVICE%/x', '%DEVICE%'],
    ['http://h/__BUILD_ID__/x', '__BUILD_ID__'],
    ['http://h/[[build]]/x', '[[build]]'],
  ]
  for (const [text, placeholder] of found)
    it(`finds ${placeholder} in ${text}`, () => assert.equal(placeholderIn(text), placeholder))

  for (const text of [
    'http://h/a$1$',
    'http://u@h/v@w',
    'http://h/a<b',
    'http://h/a>b<',
    'http://h/}{',
    'http://h/100%',
    'http://h/%C3%A9%C3%A9',
    'http://h/%ABc%20',
    'http://h/a%20b%20c',
    'http://h/a__b',
    'http://h/a[1]',
  ])
    it(`finds none in ${text}`, () => assert.equal(placeholderIn(text), undefined))
})
