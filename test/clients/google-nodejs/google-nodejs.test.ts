import { testGoogleStory } from '../google/test-story.ts';
import { prepareGoogleNode } from '../prepared.ts';

testGoogleStory('cloud-nodejs', await prepareGoogleNode('cloud-story.mjs'));
testGoogleStory('apis-nodejs', await prepareGoogleNode('apis-story.mjs'));
