import { prepareGo } from '../prepared.ts';
import { testStory } from '../test-story.ts';

testStory('go-v2', await prepareGo('go/v2'));
testStory('go-v1', await prepareGo('go/v1'));
