import { testTranscript } from './test-transcript.ts';

testTranscript('lists', 'token');
