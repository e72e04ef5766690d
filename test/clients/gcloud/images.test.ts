import { testTranscript } from './test-transcript.ts';

testTranscript('images', 'token');
