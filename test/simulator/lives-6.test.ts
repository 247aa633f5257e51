import { liveThroughStretch } from './stretch.ts';

liveThroughStretch(6);
