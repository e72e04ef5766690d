import { testGoogleStory } from '../google/test-story.ts';
import { preparePython } from '../prepared.ts';

testGoogleStory('python', await preparePython('google-python'));
