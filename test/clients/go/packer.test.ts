import { prepareGo } from '../prepared.ts';
import { testStory } from '../test-story.ts';

testStory('packer', await prepareGo('go/packer'));
