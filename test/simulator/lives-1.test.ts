import { liveThroughStretch } from './stretch.ts';

liveThroughStretch(1);
