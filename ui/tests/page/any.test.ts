// Over the stand-in, or over the gateway that PENSTOCK_PAGE_URL names (`penstock ui` prints such an
// address).
import { lookAtEverything } from './everywhere';
import { setUp } from './harness';

setUp();
lookAtEverything();
