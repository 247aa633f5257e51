import { liveThroughStretch } from './stretch.ts';

liveThroughStretch(4);
