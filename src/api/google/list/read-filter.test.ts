import assert from 'node:assert/strict';
import test from 'node:test';
import type { DescMessage } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ServiceError } from '../../../errors.ts';
import { ImageSchema } from '../../../gen/google/cloud/compute/v1/image_pb.ts';
import { OperationSchema } from '../../../gen/google/cloud/compute/v1/operation_pb.ts';
import type { JsonObject } from '../../../lib/json.ts';
import { readFilter } from './read-filter.ts';

const debian: JsonObject = {
  id: '9223372036854775807',
  name: 'debian-12-bookworm-v20260101',
  family: 'debian-12',
  description: 'Debian 12\nwith "quotes" and a \\',
  creationTimestamp: '2026-01-02T03:04:05.678-07:00',
  status: 'READY',
  diskSizeGb: '10',
  archiveSizeBytes: '100',
  architecture: 'X86_64',
  enableConfidentialCompute: false,
  labels: { env: 'prod', test: 'tf-test-123', 'with-dash': '' },
  licenses: ['https://x/licenses/debian-12', 'https://x/licenses/other'],
  licenseCodes: ['1', '22'],
  guestOsFeatures: [{ type: 'UEFI_COMPATIBLE' }, { type: 'GVNIC' }],
  rawDisk: { containerType: 'TAR', source: '' },
};
const old: JsonObject = {
  id: '7',
  name: 'old',
  status: 'FAILED',
  creationTimestamp: '2020-01-01T00:00:00.000Z',
  deprecated: { state: 'DEPRECATED', replacement: 'https://x/new' },
  sourceDisk: 'https://www.googleapis.com/compute/v1/projects/p/zones/z/disks/d',
  labels: {},
};

function matches(filter: string, resource: JsonObject, schema: DescMessage = ImageSchema): boolean {
  return readFilter(filter, schema)?.(resource) ?? true;
}

/** Filters, and which of the two images they are for. */
function cases(table: readonly (readonly [filter: string, debian: boolean, old: boolean])[]): void {
  for (const [filter, isDebian, isOld] of table) {
    assert.equal(matches(filter, debian), isDebian, `debian: ${filter}`);
    assert.equal(matches(filter, old), isOld, `old: ${filter}`);
  }
}

test('an empty filter is none', () => {
  assert.equal(readFilter('', ImageSchema), undefined);
  assert.equal(readFilter(' \n', ImageSchema), undefined);
});

test('takes every spelling that gcloud sends', () => {
  cases([
    [String.raw`name eq ".*\bold\b.*"`, false, true],
    [String.raw`name eq ".*\bdebian\-12\b.*"`, true, false],
    [String.raw`name eq ".*\bdeb\b.*"`, false, false],
    [String.raw`family eq ".*\bdeb.*"`, true, false],
    ['name eq ".*(^debian-[0-9]+).*"', true, false],
    ['name eq ".*(^[0-9]+$).*"', false, false],
    ['name ne ".*(debian).*"', false, true],
    ['family ne ".*(debian).*"', false, true],
    ['status eq READY', true, false],
    ['architecture eq X86_64', true, false],
    ['diskSizeGb eq 10', true, false],
    ['id eq 7', false, true],
    ['deprecated.state ne DEPRECATED', true, false],
    [String.raw`sourceDisk eq ".*\b.*"`, false, true],
    [String.raw`deprecated eq ".*\b.*"`, false, true],
    [String.raw`description eq ".*\bDebian\ 12\b.*"`, true, false],
    [String.raw`description eq ".*(with \"quotes).*"`, true, false],
    [String.raw`description eq ".*\\.*"`, true, false],
    ['creationTimestamp eq 2026-01-02T10:04:05.678Z', true, false],
    ['creation_timestamp ne 2026-01-02T10:04:05.678Z', false, true],
    [String.raw`(name eq ".*(deb).*")(family eq ".*\bdebian\b.*")`, true, false],
    [`(name eq ".*(deb).*") (status eq FAILED)`, false, false],
    [String.raw`(name eq ".*")((family eq ".*\bdebian.*")((status eq READY)(diskSizeGb eq 10)))`, true, false],
    [String.raw`((name eq ".*\bold\b.*")(family ne ".*x.*"))(status eq FAILED)`, false, true],
  ]);
});

test('takes the literals of the regex form bare, in either quotes, and with parentheses of their own', () => {
  cases([
    ['name eq old', false, true],
    ["name eq 'ol.'", false, true],
    ['name eq "o"', false, false],
    ['name eq (old|debian-.*)', true, true],
    ['(name eq (old|new))(status eq (FAILED|READY))', false, true],
    ['name ne .*v20260101', false, true],
    ['  ( name   eq   old )  ', false, true],
    ['labels.env eq prod', true, false],
    ['labels.with-dash eq ""', true, false],
    ['licenses eq .*/debian-12', true, false],
    ['licenses ne .*/debian-12', false, true],
    ['licenseCodes eq 22', true, false],
    ['guestOsFeatures.type eq GVNIC', true, false],
    ['enableConfidentialCompute eq false', true, false],
    ['name eq (?i)OLD', false, true],
  ]);
});

test('takes the newer form', () => {
  cases([
    ['name = old', false, true],
    ['name=old', false, true],
    ['name="old"', false, true],
    ["name = 'old'", false, true],
    ['name != old', true, false],
    ['name = deb*', true, false],
    ['name = *bookworm*', true, false],
    ['name = "d*-12-*-v*1"', true, false],
    ['name = "d*-12-*-v*2"', false, false],
    ['-name=old', true, false],
    ['NOT name=old', true, false],
    ['NOT (name=old OR status=READY)', false, false],
    ['-(name=old)', true, false],
    ['labels.test = tf-test-123', true, false],
    ['labels.env:*', true, false],
    ['labels.env:prod', true, false],
    ['labels:env', true, false],
    ['labels:*', true, false],
    ['labels."with-dash" = ""', true, false],
    ['-labels.env:*', false, true],
    ['labels.env != prod', false, true],
    ['(status = READY) (family = debian-12)', true, false],
    ['status = READY family = debian-12', true, false],
    ['status = READY AND family = debian-12', true, false],
    ['deprecated.state != DEPRECATED', true, false],
    ['deprecated:*', false, true],
    ['rawDisk.containerType = TAR', true, false],
    ['diskSizeGb = 10', true, false],
    ['diskSizeGb = 10.0', true, false],
    ['diskSizeGb > 9', true, false],
    ['diskSizeGb >= "10"', true, false],
    ['diskSizeGb < 9.5', false, false],
    ['id = 9223372036854775807', true, false],
    ['id = 9223372036854775806', false, false],
    ['id > 9223372036854775806', true, false],
    ['enableConfidentialCompute = False', true, false],
    ['enableConfidentialCompute != true', true, true],
    ['creationTimestamp > 2025-01-01', true, false],
    ['creationTimestamp < "2026-01-02T10:04:05.679Z"', true, true],
    ['creationTimestamp <= 2026-01-02T10:04:05.677999Z', false, true],
    ['creationTimestamp = 2026-01-02T10:04:05.678Z', true, false],
    ['name > debian', true, true],
    ['name < e', true, false],
    ['guestOsFeatures.type = GVNIC', true, false],
    ['guestOsFeatures.type != GVNIC', false, true],
    ['licenses:*debian-12', true, false],
    ['family:*', true, false],
    ['description:"*\\\\"', true, false],
    ['disk_size_gb = 10', true, false],
  ]);
});

test('OR binds tighter than AND, said or not', () => {
  cases([
    ['(name = old) OR (status = READY) AND (family = debian-12)', true, false],
    ['family = debian-12 AND name = old OR status = READY', true, false],
    ['name = old OR status = READY status = READY', true, false],
    ['(name = old) OR ((status = READY) AND (family = debian-12))', true, true],
  ]);
});

test('progress of an operation is a number', () => {
  assert.ok(matches('progress < 100', { progress: 20 }, OperationSchema));
  assert.ok(matches('progress eq 20', { progress: 20 }, OperationSchema));
});

const wrong = [
  ...[
    'name',
    'name eq',
    'name eq *x*',
    'name eq [',
    'name eq (a',
    'name eq "a',
    'name eq a b',
    'name eq a OR name eq b',
  ],
  ...['(name eq a) AND (name eq b)', '(name eq a) OR (name eq b)', 'name eq a name eq b', '(name eq a', 'name eq a)'],
  ...['(name eq a)(name = b)', '(name = b)(name eq a)', 'name = a AND name eq b', 'nothing eq a', 'labels eq', 'eq a'],
  ...[
    'name ~ x',
    'name =~ x',
    'name == x',
    'name = ',
    '= x',
    'name = a b',
    'guestOsFeatures[].type = GVNIC',
    'name = (a b)',
  ],
  ...[
    'nothing = a',
    'name.x = a',
    'deprecated.nothing = a',
    'deprecated = a',
    'labels = a',
    'labels > a',
    'AND',
    'OR',
    'NOT',
  ],
  ...[
    'name = a AND',
    'name = a OR',
    'name = a OR OR name = b',
    'AND name = a',
    '()',
    'name = a)',
    '(name = a',
    'name = AND',
  ],
  ...['diskSizeGb = ten', 'diskSizeGb = 1*', 'enableConfidentialCompute = 1', 'enableConfidentialCompute > true'],
  ...['"name" = a', 'name = "a', 'name, status = a', 'name.  = a', '__proto__ = a', 'constructor = a', 'name in (a)'],
  ...['name eq (a{100}){100}', 'name eq ([a-z]{1000}){2}', `name eq ${'(abcdefghij)'.repeat(50)}{1000}`],
  ...[
    `name eq ${'(?:a?){10}'.repeat(150)}`,
    `${'('.repeat(51)}name = a${')'.repeat(51)}`,
    `${'('.repeat(51)}name eq a`,
  ],
  ...[Array(100).fill(String.raw`(name eq ^\pL{99})`).join('')],
  ...[Array(101).fill('name = a').join(' '), `name = ${'a'.repeat(2_000)}`],
];

test('refuses what is in neither language, in the words of the public API', () => {
  for (const filter of wrong) {
    assert.throws(
      () => readFilter(filter, ImageSchema),
      (error) =>
        error instanceof ServiceError &&
        error.code === 'INVALID_ARGUMENT' &&
        error.message.startsWith(`Invalid value for field 'filter': '${filter.slice(0, 256)}`) &&
        error.message.endsWith(`'. Invalid list filter expression.`),
      filter,
    );
  }
});

test('takes as many parentheses and terms as it says', () => {
  assert.ok(matches(`${'('.repeat(50)}name = old${')'.repeat(50)}`, old));
  assert.ok(matches(Array(100).fill('name=old').join(' '), old));
});

test('labels that are named like members of objects are labels', () => {
  assert.ok(!matches('labels.constructor:*', old));
  assert.ok(!matches('labels:toString', old));
  assert.ok(matches('labels.constructor = x', { labels: { constructor: 'x' } }));
});

const pieces = fc.constantFrom(
  ...['name', 'labels.a', 'diskSizeGb', ' eq ', ' ne ', '=', '!=', ':', '<', '"', "'", '\\', '(', ')', '{9}', '[', '*'],
  ...['.', '|', '?', ' AND ', ' OR ', 'NOT ', '-', ' ', 'a', '1', '(?:', '\\b', '\\pL', '$'],
);
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
  fc.array(pieces, { maxLength: 60 }).map((parts) => `name eq ${parts.join('')}`),
  fc.array(pieces, { maxLength: 60 }).map((parts) => `name = ${parts.join('')}`),
);

test('hostile text is refused or matches, and is never anything else', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      try {
        matches(text, debian);
      } catch (error) {
        assert.ok(error instanceof ServiceError && error.code === 'INVALID_ARGUMENT', String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a literal that is quoted means itself, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }), (name, other) => {
      const quoted = `"${name.replaceAll(/["\\*]/g, '\\$&')}"`;
      assert.ok(matches(`name = ${quoted}`, { name }));
      assert.equal(matches(`name = ${quoted}`, { name: other }), name === other);
    }),
  );
});

test('a wildcard matches as the same regular expression does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  fc.assert(
    fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, name) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
      assert.equal(matches(`name = "${pattern}"`, { name }), expected, `${pattern} on ${name}`);
    }),
  );
});

/** What takes backtracking matchers ages, or makes automata explode. */
const costly = [
  '(a*)*b',
  '(a|a)*b',
  '(.*)*x',
  '((a?){100})*b',
  '(?:a?){150}a{150}',
  '.*a.{900}b.*',
  '(?:.*a){200}.{200}c',
  '(?:[ab]*a[ab]{0,30}){15}c',
  String.raw`.*(\ba|b\b)[ab ]{900}c.*`,
  String.raw`(?:\pL|\pN){400}c`,
  `${'(a|b|ab)*'.repeat(40)}c`,
  String.raw`^\pL{590}`,
];

/** What the work costs this thread, the least of three times: others on the machine, compilers and collectors aside. */
function cpuMs(work: () => void): number {
  const times = [1, 2, 3].map(() => {
    const before = process.threadCpuUsage();
    work();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}

test('no pattern takes long, neither to be read nor to be refused nor on the longest field', () => {
  const description = Array.from({ length: 2_048 }, (_, index) => 'ab '[(index * index) % 3]).join('');
  for (const pattern of costly) {
    for (const key of ['name', 'description']) {
      const ms = cpuMs(() => {
        try {
          matches(`${key} eq "${pattern}"`, { name: description.slice(0, 63), description });
        } catch (error) {
          assert.ok(error instanceof ServiceError);
        }
      });
      // Measured at 30 ms at the most; what backtracks takes minutes.
      assert.ok(ms < 150, `${pattern} on ${key}: ${ms} ms`);
    }
  }
});
