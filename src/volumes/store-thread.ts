import { serveTasks } from '../threads/serve-tasks.ts';
import { storeTasks } from './store-tasks.ts';

serveTasks(storeTasks);
