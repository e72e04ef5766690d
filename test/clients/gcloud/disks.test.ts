import { testTranscript } from './test-transcript.ts';

testTranscript('disks', 'token');
testTranscript('key-file', 'key');
