import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type Command, InvalidArgumentError } from 'commander';
import {
  type DomainSpace,
  type Finding,
  Finding_Severity,
  SpaceSchema,
  type StoreReport,
  StoreReportSchema,
  StoreService,
} from '../../gen/obraz/v1/store_service_pb.ts';
import { type Operation, OperationSchema } from '../../gen/yandex/cloud/operation/operation_pb.ts';
import { formatByteSize, parseByteSize } from '../byte-size.ts';
import { CliFailed } from '../cli-failed.ts';
import { operationColumns } from '../columns.ts';
import { addClientFlags } from '../flags.ts';
import { followOperation } from '../follow-operation.ts';
import { type Columns, showOne } from '../render.ts';
import type { ToAction } from '../run-command.ts';
import type { Session } from '../session.ts';
import { layOutTable } from '../table.ts';

/** Makes the metadata again on this machine, without a server; the process's exit code. */
export type RebuildHere = (flags: { readonly data?: string }) => Promise<void>;

interface FsckFlags {
  readonly rebuild?: boolean;
  readonly readData?: boolean;
  readonly rate?: number;
  readonly async?: boolean;
  readonly data?: string;
}

/** `fsck`, `scrub`, `space`: what looks after the store. */
export function addStoreCommands(parent: Command, toAction: ToAction, rebuild: RebuildHere): void {
  const fsck = parent
    .command('fsck')
    .description('check that everything known of the store is true; changes nothing')
    .option('--read-data', 'read and verify every chunk, too, as scrub does')
    .option('--rate <size>', 'bytes read in a second at most: 100MB, 1GB', readRate)
    .option('--async', 'print the operation and do not wait')
    .option('--rebuild', 'make the metadata again from the packs alone; the service must not run');
  addClientFlags(fsck);
  const check = toAction(async (session, command) => {
    const { readData = false, rate = 0 } = command.opts<FsckFlags>();
    const request = { readData, bytesPerSecond: BigInt(rate) };
    const begun = await session.api.call(StoreService.method.check, request, { signal: session.signal });
    await finishReport(session, begun, command.opts<FsckFlags>());
  });
  fsck.action(async (...received) => {
    const flags = fsck.optsWithGlobals<FsckFlags>();
    if (flags.rebuild === true) await rebuild(flags.data === undefined ? {} : { data: flags.data });
    else await check(...received);
  });

  const scrub = parent
    .command('scrub')
    .description('read and verify every stored chunk')
    .option('--rate <size>', 'bytes read in a second at most: 100MB, 1GB', readRate)
    .option('--async', 'print the operation and do not wait');
  addClientFlags(scrub);
  scrub.action(
    toAction(async (session, command) => {
      const request = { bytesPerSecond: BigInt(command.opts<FsckFlags>().rate ?? 0) };
      const begun = await session.api.call(StoreService.method.scrub, request, { signal: session.signal });
      await finishReport(session, begun, command.opts<FsckFlags>());
    }),
  );

  const space = parent.command('space').description('show what the store holds, and how much of it is needed');
  addClientFlags(space);
  space.action(
    toAction(async (session) => {
      const found = await session.api.call(StoreService.method.getSpace, {}, { signal: session.signal });
      if ((session.flags.format ?? 'table') !== 'table') return showOne(session, SpaceSchema, found, []);
      const rows = [...found.domains, ...(found.total === undefined ? [] : [{ ...found.total, cloudId: 'total' }])];
      session.terminal.out.write(
        layOutTable(
          spaceColumns.map(([heading]) => heading),
          rows.map((row) => spaceColumns.map(([, cell]) => cell(row))),
        ),
      );
    }),
  );
}

const spaceColumns: Columns<DomainSpace> = [
  ['CLOUD', ({ cloudId }) => cloudId],
  ['IMAGES', ({ imageCount }) => `${imageCount}`],
  ['LOGICAL', ({ logicalBytes }) => formatByteSize(Number(logicalBytes))],
  ['UNSHARED', ({ unsharedBytes }) => formatByteSize(Number(unsharedBytes))],
  ['UNIQUE', ({ uniqueBytes }) => formatByteSize(Number(uniqueBytes))],
  ['SHARED', ({ sharedBytes }) => formatByteSize(Number(sharedBytes))],
  ['GARBAGE', ({ garbageBytes }) => formatByteSize(Number(garbageBytes))],
  ['CONDEMNED', ({ condemnedBytes }) => formatByteSize(Number(condemnedBytes))],
  ['STORED', ({ storedBytes }) => formatByteSize(Number(storedBytes))],
];

const findingColumns: Columns<Finding> = [
  ['SEVERITY', ({ severity }) => (severity === Finding_Severity.ERROR ? 'error' : 'warning')],
  ['WHAT', ({ what }) => what],
  ['ID', ({ id }) => id],
];

/** Waits for the report, prints it, and fails when there are errors in it. */
async function finishReport(session: Session, begun: Operation, flags: FsckFlags): Promise<void> {
  if (flags.async === true) return showOne(session, OperationSchema, begun, operationColumns);
  const { result } = await followOperation(session, begun);
  const report = result.case === 'response' ? anyUnpack(result.value, StoreReportSchema) : undefined;
  if (report === undefined) return;
  if ((session.flags.format ?? 'table') === 'table') session.terminal.out.write(describeReport(report));
  else await showOne(session, StoreReportSchema, report, []);
  if (report.errorCount > 0n) throw new CliFailed(`${report.errorCount} errors were found.`);
}

/** Each finding on a line of its own, with what it means and what to do below it. */
export function describeReport(report: StoreReport): string {
  const { findings, packs, chunks, errorCount, warningCount } = report;
  const lines = findings.map((finding) => {
    const head = findingColumns.map(([, cell]) => cell(finding)).join('  ');
    return `${head}\n    ${finding.fact}\n    ${finding.remedy}\n`;
  });
  const more = Number(errorCount + warningCount) - findings.length;
  if (more > 0) lines.push(`and ${more} more\n`);
  const looked = chunks === 0n ? `${packs} packs checked` : `${packs} packs checked, ${chunks} chunks verified`;
  return `${lines.join('')}${looked}: ${errorCount} errors, ${warningCount} warnings\n`;
}

function readRate(text: string): number {
  const size = parseByteSize(text);
  if (size === undefined || size < 1) throw new InvalidArgumentError('Give a size such as 100MB or 1GB.');
  return size;
}
