import { preparePython } from '../prepared.ts';
import { testStory } from '../test-story.ts';

testStory('python', await preparePython());
