import { liveThroughStretch } from './stretch.ts';

liveThroughStretch(7);
