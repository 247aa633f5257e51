import { liveThroughStretch } from './stretch.ts';

liveThroughStretch(8);
