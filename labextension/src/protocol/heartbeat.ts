/** The heartbeat: a message of no document, which comes back (section 2). */

import { comm, type IMessage } from './envelope';

export const HEARTBEAT: IMessage = comm('rtc_widgets.heartbeat', []);
