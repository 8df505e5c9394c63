// Serves the stand-in for people who work on the page: node .test/standin/serve.mjs [PORT]
import { resolve } from 'node:path';

import { standIn } from './standin';

const gateway = standIn(resolve('dist'));
console.log(await gateway.listen(Number(process.argv[2] ?? 8088)));
